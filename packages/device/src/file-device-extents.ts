import type { Extent } from "./block-device.ts";
import { codeOf } from "./file-device-error.ts";
import type { OpenFile } from "./open-file.ts";
import type { Syscalls } from "./syscalls.ts";

/** One that looks for itself: nothing is known but that a read tells. */
export function dataExtent(from: number, to: number): Extent {
  return { offset: from, length: to - from, zero: false, allocated: true };
}

function holeExtent(from: number, to: number): Extent {
  return { offset: from, length: to - from, zero: true, allocated: false };
}

/**
 * The extent that begins at `from`, up to `to` at most (`from` < `to`). It costs two seeks, however long it is. What the file
 * system cannot tell is data; so is what lies behind the end of a file that shrank, for a read to find.
 */
export async function extentAt(file: OpenFile, syscalls: Syscalls, from: number, to: number): Promise<Extent> {
  try {
    const found = seekExtent(file.fd, syscalls, from, to);
    if (found) return found;
  } catch (error) {
    if (!["EINVAL", "EOPNOTSUPP", "ENOSYS", "ESPIPE"].includes(codeOf(error))) throw error;
    return dataExtent(from, to);
  }
  return syscalls.seekEnd(file.fd) < to ? dataExtent(from, to) : holeExtent(from, to);
}

/** Undefined: no data from here to the file's end. */
function seekExtent(fd: number, syscalls: Syscalls, from: number, to: number): Extent | undefined {
  for (;;) {
    const data = syscalls.seekData(fd, from);
    if (data === undefined) return undefined;
    if (data > from) return holeExtent(from, Math.min(data, to));
    const hole = syscalls.seekHole(fd, from) ?? to;
    if (hole > from) return dataExtent(from, Math.min(hole, to));
    // The data was punched out between the two seeks: look again.
  }
}
