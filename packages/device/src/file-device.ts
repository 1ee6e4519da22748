import type { BigIntStats } from "node:fs";

import type { BlockDevice } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { requestFailed, textOf } from "./file-device-error.ts";
import { dataExtent, extentAt } from "./file-device-extents.ts";
import { readAll, writeAll } from "./file-device-transfer.ts";
import { createZero } from "./file-device-zero.ts";
import { withOneWriter } from "./one-writer.ts";
import type { OpenFile } from "./open-file.ts";
import { withPageCache } from "./page-cache.ts";
import { createRequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";
import type { Syscalls } from "./syscalls.ts";
import { createWithoutHoles } from "./without-holes.ts";

export interface FileDeviceOptions {
  readonly name: string;
  /** Bytes; fixed, whatever becomes of the file. */
  readonly size: number;
  readonly readOnly: boolean;
  readonly kind: "file" | "block";
  /** Given: `close()` closes it. */
  readonly file: OpenFile;
  /** Without them zeroes are written, and nothing is known of holes. */
  readonly syscalls: Syscalls | undefined;
}

export interface FileDevice extends BlockDevice {
  /** What the file system says of the file now. */
  readonly stats: () => Promise<BigIntStats>;
}

/** A disk kept in an open file or block device. Requests run side by side; overlapping ones have no order. */
export function createFileDevice(options: FileDeviceOptions): FileDevice {
  const { name, size, readOnly, kind, syscalls } = options;
  const written = kind === "file" ? withOneWriter(options.file) : options.file;
  const file = syscalls === undefined ? written : withPageCache(written, syscalls);
  const zero = createZero({ device: name, file, kind, syscalls });
  const withoutHoles = createWithoutHoles(file);
  const requests = createRequestGate(name);
  let synced = Promise.resolve();
  let closing: Promise<void> | undefined;

  function assertWritable(what: string, offset: number): void {
    if (readOnly)
      throw new DeviceError("read-only", name, `${what} at ${offset} refused: opened read-only`, { offset });
  }

  async function sync(): Promise<void> {
    if (readOnly) return; // nothing was written, and a file system that cannot be written may refuse
    await file.sync().catch((error: unknown) => {
      const message = `flush failed (${textOf(error)}): what was written since the last one may be lost`;
      throw new DeviceError("io", name, message, { cause: error });
    });
  }

  return {
    name,
    size,
    readOnly,
    read: async (offset, into) => {
      checkExtent(name, size, offset, into.length);
      await requests.run(async () => readAll(file, name, offset, into));
    },
    write: async (offset, data) => {
      checkExtent(name, size, offset, segmentsLength(data));
      await requests.run(async () => {
        assertWritable("write", offset);
        await writeAll(file, name, offset, data);
      });
    },
    zero: async (offset, length, { unmap = true, fast = false } = {}) => {
      checkExtent(name, size, offset, length);
      await requests.run(async () => {
        assertWritable("zeroing", offset);
        await zero(offset, length, { unmap, fast });
      });
    },
    extents: async function* extents(offset, length) {
      checkExtent(name, size, offset, length);
      const end = offset + length;
      for (let at = offset; at < end;) {
        const extent = await requests.run(async () => nextExtent(at, end));
        yield extent;
        at += extent.length;
      }
    },
    stats: async () => requests.run(async () => file.stat()),
    // One at a time, and never again after a failure: the kernel tells a lost write to one fsync only, and forgets it.
    flush: async () => requests.run(async () => (synced = synced.then(sync))),
    close: async () => (closing ??= letGo()),
  };

  async function letGo(): Promise<void> {
    await requests.close();
    await file.close();
  }

  async function nextExtent(from: number, to: number) {
    if (kind === "block" || !syscalls) return dataExtent(from, to);
    if (await withoutHoles()) return dataExtent(from, to);
    return extentAt(file, syscalls, from, to).catch((error: unknown) => {
      throw requestFailed(name, `looking for holes at ${from}`, from, error);
    });
  }
}
