import type { Segments } from "./block-device.ts";

/**
 * The system calls that a disk needs and Node lacks. A call that fails throws an `Error` like Node's own, with `code`
 * ("ENXIO"), `errno` (negative) and `syscall`. File descriptors are borrowed: the caller keeps them open until a call settles.
 */
export interface Syscalls {
  /** Where data begins at or behind `from`; undefined if there is none up to the file's end. Moves the file's position. */
  seekData(fd: number, from: number): number | undefined;
  /** Where the hole at or behind `from` begins; the file's end is one. Undefined if `from` lies beyond it. */
  seekHole(fd: number, from: number): number | undefined;
  /** The file's size in bytes. Moves the file's position. */
  seekEnd(fd: number): number;
  /**
   * Fills some of `into` with what the page cache holds, and says how much; undefined if that would wait for the disk, which is then
   * asked to read ahead. Throws `EOPNOTSUPP` or the like where the file system has no such reads.
   */
  readCached(fd: number, into: Uint8Array, offset: number): number | undefined;
  /** Writes some of the front of `data` to the page cache, and says how much; undefined if that would wait. Throws as `readCached`. */
  writeCached(fd: number, data: Segments, offset: number): number | undefined;
  /** Gives storage back: the extent reads as zero. Files of any alignment, block devices by whole sectors. */
  punchHole(fd: number, offset: number, length: number): Promise<void>;
  /** Makes the extent read as zero and keeps its storage. */
  zeroRange(fd: number, offset: number, length: number): Promise<void>;
  /** Zeroes whole sectors of a block device; the kernel writes zeroes where the device has no command for it. */
  zeroOut(fd: number, offset: number, length: number): Promise<void>;
  /** Bytes of a block device. */
  blockDeviceSize(fd: number): number;
  /** The smallest unit of a block device, in bytes. */
  sectorSize(fd: number): number;
  /** Takes a shared lock on one byte, for this open file (OFD): it goes with its last descriptor. EAGAIN if one is in the way. */
  lockShared(fd: number, byte: number): void;
  /** Whether any lock of another open file, shared or not, lies on the byte. */
  lockedByOther(fd: number, byte: number): boolean;
}

/**
 * The system calls of this machine, or undefined where there is no way to them: not Linux, no koffi, an architecture with other
 * numbers, or `BLKMIG_NO_FFI=1`. Everything works without them, slower and less thin, and locks are seen but not taken.
 */
export async function loadSyscalls(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Syscalls | undefined> {
  if (env["BLKMIG_NO_FFI"] === "1" || process.platform !== "linux") return undefined;
  const { linuxSyscalls } = await import("./linux-syscalls.ts");
  return linuxSyscalls;
}
