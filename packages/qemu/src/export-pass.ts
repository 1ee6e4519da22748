import { DeviceError } from "@blkmig/device";

import { addExport, type ExportedDisk, type ExportOptions, openExport } from "./export-open.ts";
import { removeExports } from "./export-removal.ts";
import { formatName } from "./names.ts";
import { QemuError } from "./qemu-error.ts";

/** A retired bitmap of a disk, to be read. */
export interface Pass {
  readonly pass: number;
  /** The disk's place among all. */
  readonly index: number;
  readonly disk: ExportedDisk;
  /** Called with each run of bytes that the bitmap has. */
  readonly mark: (offset: number, length: number) => void;
}

/** Reads them all, or throws `QemuError`; what it has marked until then is true. */
export type ReadPasses = (passes: readonly Pass[]) => Promise<void>;

/**
 * Reads retired bitmaps over NBD. An export shows only the bitmaps that it was made with, so each pass has exports of its own; they are
 * gone when it settles, or it throws.
 *
 * In steps for all disks, with no command while a client is there. QEMU 10.0 spins for ever in a drain, which commands bring about, if a
 * client comes in the midst of it; and if it is somebody else's `stop`, it spins until that client has gone, so ours must need nothing first.
 */
export function createPassReader(options: ExportOptions): ReadPasses {
  return async (passes) => {
    if (passes.length === 0) return;
    const [read] = await Promise.allSettled([exportAndRead(options, passes)]);
    const [removed] = await Promise.allSettled([removeExports(options, ({ is }) => is === "pass")]);
    // A QEMU that goes away breaks off everything, and its monitor says why.
    options.qmp.ended.throwIfAborted();
    if (read.status === "rejected") throw read.reason;
    if (removed.status === "rejected") throw removed.reason;
  };
}

async function exportAndRead(options: ExportOptions, passes: readonly Pass[]): Promise<void> {
  for (const { pass, index, disk } of passes) {
    const bitmaps = [formatName(options.migration, { is: "writes", pass })];
    await addExport(options, disk, { is: "pass", pass, disk: index }, { bitmaps });
  }
  const reads = passes.map(async (pass) => readDirty(options, pass));
  // All have hung up before one's failure is told: then commands come again.
  await Promise.allSettled(reads);
  await Promise.all(reads);
}

async function readDirty(options: ExportOptions, { pass, index, disk, mark }: Pass): Promise<void> {
  const { qmp, migration } = options;
  const dirtyBitmap = formatName(migration, { is: "writes", pass });
  const name = { is: "pass", pass, disk: index } as const;
  const device = await openExport(options, disk, name, { dirtyBitmap, signal: qmp.ended });
  try {
    for await (const { offset, length, dirty } of device.dirty(0, disk.size)) {
      if (dirty) mark(offset, length);
    }
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const what = `what was written to disk '${disk.name}' before pass ${pass} cannot be read: ${error.message}`;
    throw new QemuError("refused", qmp.url, what, { cause: error });
  } finally {
    await device.close();
  }
}
