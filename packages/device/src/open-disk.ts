import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

import type { BlockDevice } from "./block-device.ts";
import { DeviceError } from "./device-error.ts";
import { type DiskIdentity, deviceNumber, identityOf } from "./disk-identity.ts";
import { claimDisk } from "./disk-lock.ts";
import { openingFailed, subjectOf } from "./file-device-error.ts";
import { createFileDevice } from "./file-device.ts";
import { type OpenFile, openFile } from "./open-file.ts";
import { type Syscalls, loadSyscalls } from "./syscalls.ts";

/** How a file or a block device is opened. */
export interface OpenDiskOptions {
  /** What messages and the wire call it. Default: the path. */
  readonly name?: string;
  readonly readOnly?: boolean;
  /** Whether to take, and respect, the locks that QEMU takes. Default true. */
  readonly lock?: boolean;
  /** Dangers taken on. `inUse`: open it whoever holds it, and take no lock. */
  readonly force?: { readonly inUse?: boolean };
  /** Default: this machine's. "none" does without. */
  readonly syscalls?: Syscalls | "none";
}

/** A disk kept in a file or a block device of this machine. */
export interface OpenDisk extends BlockDevice {
  readonly path: string;
  readonly kind: "file" | "block";
  readonly identity: DiskIdentity;
  /** Whether our locks are on it: false if not asked for, or where the system or the file system has none. */
  readonly locked: boolean;
  /**
   * Whether a file's size and times are as they were when it was opened; always true of a block device, which has none.
   * Times move in steps of some milliseconds, so a write just after opening may go unseen.
   */
  unchanged(): Promise<boolean>;
}

/**
 * Opens a file or a block device, through symbolic links, and locks it as QEMU does. Whoever opens closes: the locks last until then.
 * Throws `DeviceError`: `not-found`, `not-permitted`, `not-a-disk`, `read-only` (its file system is), `in-use`, `io`.
 */
export async function openDisk(path: string, options: OpenDiskOptions = {}): Promise<OpenDisk> {
  const { name = path, readOnly = false, lock = true, force = {} } = options;
  const syscalls = options.syscalls === "none" ? undefined : (options.syscalls ?? (await loadSyscalls()));
  const file = await openFileOfDisk(name, path, readOnly);
  try {
    const opened = await file.stat();
    const kind = kindOf(name, path, opened);
    const identity = await identityOf(opened);
    const locked = lock && !force.inUse && (await claimDisk({ device: name, fd: file.fd, readOnly, syscalls }));
    const size = kind === "file" ? Number(opened.size) : await blockSize(file, opened, syscalls);
    const sectorSize = kind === "file" ? undefined : await blockSectorSize(file, opened, syscalls);
    const { stats, ...device } = createFileDevice({ name, size, readOnly, kind, file, syscalls });
    const unchanged = async () => kind === "block" || sameTimes(opened, await stats());
    const sectors = sectorSize === undefined ? {} : { sectorSize };
    return { ...device, ...sectors, path, kind, identity, locked, unchanged };
  } catch (error) {
    await file.close();
    throw openingFailed(name, path, error);
  }
}

async function openFileOfDisk(name: string, path: string, readOnly: boolean): Promise<OpenFile> {
  try {
    // Before it is opened: opening a pipe waits, and opening a tape rewinds it.
    kindOf(name, path, await stat(path, { bigint: true }));
    return await openFile(path, readOnly);
  } catch (error) {
    throw openingFailed(name, path, error);
  }
}

function kindOf(name: string, path: string, stats: BigIntStats): "file" | "block" {
  if (stats.isFile()) return "file";
  if (stats.isBlockDevice()) return "block";
  throw new DeviceError("not-a-disk", name, `${subjectOf(name, path)} is neither a file nor a block device`);
}

function sameTimes(then: BigIntStats, now: BigIntStats): boolean {
  return then.size === now.size && then.mtimeNs === now.mtimeNs && then.ctimeNs === now.ctimeNs;
}

/** `st_size` of a block device is 0: its size is asked of the kernel, by ioctl or by /sys, which counts in 512 bytes always. */
async function blockSize(file: OpenFile, stats: BigIntStats, syscalls: Syscalls | undefined): Promise<number> {
  if (syscalls) return syscalls.blockDeviceSize(file.fd);
  return Number(await readFile(`/sys/dev/block/${deviceNumber(stats.rdev)}/size`, "utf8")) * 512;
}

/** A partition has the queue of the disk that it is of. */
async function blockSectorSize(file: OpenFile, stats: BigIntStats, syscalls: Syscalls | undefined): Promise<number> {
  if (syscalls) return syscalls.sectorSize(file.fd);
  const of = `/sys/dev/block/${deviceNumber(stats.rdev)}`;
  const inQueue = "queue/logical_block_size";
  return Number(await readFile(`${of}/${inQueue}`, "utf8").catch(async () => readFile(`${of}/../${inQueue}`, "utf8")));
}
