import { DeviceError } from "@blkmig/device";

import { addExport, type ExportedDisk, type ExportOptions, openExport } from "./export-open.ts";
import { removeExports } from "./export-removal.ts";
import { formatName } from "./names.ts";
import { QemuError } from "./qemu-error.ts";

/** Which retired bitmap, of which disk. */
export interface Pass {
  readonly pass: number;
  /** The disk's place among all. */
  readonly index: number;
  readonly disk: ExportedDisk;
}

/** Calls `mark` with each run of bytes that the bitmap has. Throws `QemuError`. */
export type ReadPass = (pass: Pass, mark: (offset: number, length: number) => void) => Promise<void>;

/**
 * Reads retired bitmaps over NBD. An export shows only the bitmaps that it was made with, so each pass has one of its own; when the
 * reading settles, that is gone, or the bitmap could not be removed.
 */
export function createPassReader(options: ExportOptions): ReadPass {
  return async (pass, mark) => {
    const { qmp } = options;
    const [read] = await Promise.allSettled([readDirty(options, pass, mark)]);
    const [removed] = await Promise.allSettled([
      removeExports(options, (name) => name.is === "pass" && name.pass === pass.pass && name.disk === pass.index),
    ]);
    // A QEMU that goes away breaks off everything, and its monitor says why.
    qmp.ended.throwIfAborted();
    if (read.status === "rejected") throw toQemuError(read.reason, qmp.url, pass);
    if (removed.status === "rejected") throw removed.reason;
  };
}

async function readDirty(options: ExportOptions, { pass, index, disk }: Pass, mark: Parameters<ReadPass>[1]) {
  const { qmp, migration } = options;
  const name = { is: "pass", pass, disk: index } as const;
  const dirtyBitmap = formatName(migration, { is: "writes", pass });
  await addExport(options, disk, name, { bitmaps: [dirtyBitmap] });
  const device = await openExport(options, disk, name, { dirtyBitmap, connections: 1, signal: qmp.ended });
  try {
    for await (const { offset, length, dirty } of device.dirty(0, disk.size)) {
      if (dirty) mark(offset, length);
    }
  } finally {
    await device.close();
  }
}

function toQemuError(error: unknown, url: string, { pass, disk }: Pass): unknown {
  if (!(error instanceof DeviceError)) return error;
  const what = `what was written to disk '${disk.name}' before pass ${pass} cannot be read: ${error.message}`;
  return new QemuError("refused", url, what, { cause: error });
}
