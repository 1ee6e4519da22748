import { DeviceError } from "./device-error.ts";
import { lockedBytes } from "./disk-lock-proc.ts";
import { codeOf } from "./file-device-error.ts";
import type { Syscalls } from "./syscalls.ts";

// QEMU's convention: a shared lock on byte 100 + bit for each permission that is held, and on 200 + bit for each that is not
// left to others. Whoever holds one may find no lock on its 200 + bit, whoever keeps one none on its 100 + bit.
const HELD = 100;
const KEPT = 200;

const CONSISTENT_READ = 0;
const WRITE = 1;

interface Permissions {
  readonly held: readonly number[];
  readonly kept: readonly number[];
}

// Nobody else may write a disk that we read or write: what is being sent must stay what it was.
const READER: Permissions = { held: [CONSISTENT_READ], kept: [WRITE] };
const WRITER: Permissions = { held: [CONSISTENT_READ, WRITE], kept: [WRITE] };

const TROUBLES: Readonly<Record<number, string>> = {
  [HELD + WRITE]: "another process is writing it",
  [KEPT + CONSISTENT_READ]: "another process lets nobody read it",
  [KEPT + WRITE]: "another process lets nobody write it",
};

export interface DiskClaim {
  readonly device: string;
  /** Borrowed. The locks are its open file's, and go when that is closed. */
  readonly fd: number;
  readonly readOnly: boolean;
  /** Without them the locks of others are seen in /proc, and none are taken. */
  readonly syscalls: Syscalls | undefined;
}

/**
 * Takes the locks that QEMU would take on a disk it reads or writes, then looks for others' in their way: `in-use`, and then the
 * caller closes the file. False if no locks were taken, because the system or the file system has none.
 */
export async function claimDisk({ device, fd, readOnly, syscalls }: DiskClaim): Promise<boolean> {
  const permissions = readOnly ? READER : WRITER;
  const taken = syscalls ? takeLocks(device, fd, permissions, syscalls) : false;
  // Only after ours are taken: of two that come at once at least one must see the other.
  const inTheWay = syscalls && taken ? otherLocks(fd, syscalls) : await lockedBytes(fd);
  for (const byte of bytesThatMustBeFree(permissions)) {
    if (inTheWay(byte)) throw inUse(device, byte);
  }
  return taken;
}

function takeLocks(device: string, fd: number, permissions: Permissions, syscalls: Syscalls): boolean {
  for (const byte of bytesToLock(permissions)) {
    try {
      syscalls.lockShared(fd, byte);
    } catch (error) {
      if (["EINVAL", "ENOLCK", "ENOSYS", "EOPNOTSUPP"].includes(codeOf(error))) return false;
      // An exclusive lock is not QEMU's way, but it is in our way.
      if (["EAGAIN", "EACCES"].includes(codeOf(error))) throw inUse(device, byte, error);
      throw error;
    }
  }
  return true;
}

function otherLocks(fd: number, syscalls: Syscalls): (byte: number) => boolean {
  return (byte) => syscalls.lockedByOther(fd, byte);
}

function bytesToLock({ held, kept }: Permissions): number[] {
  return [...held.map((bit) => HELD + bit), ...kept.map((bit) => KEPT + bit)];
}

function bytesThatMustBeFree({ held, kept }: Permissions): number[] {
  return [...kept.map((bit) => HELD + bit), ...held.map((bit) => KEPT + bit)];
}

function inUse(device: string, byte: number, cause?: unknown): DeviceError {
  const trouble = TROUBLES[byte] ?? "another process has locked it";
  const way = "stop that process, or --force in-use";
  return new DeviceError("in-use", device, `${trouble} (QEMU's lock on byte ${byte}): ${way}`, { cause });
}
