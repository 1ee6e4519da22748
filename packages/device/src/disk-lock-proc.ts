import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { deviceNumber } from "./disk-identity.ts";
import { parseMounts } from "./mount-table.ts";

/** A byte-range lock as /proc/locks shows it; `last` is the last byte locked. */
export interface ByteLock {
  /** "major:minor" of the file system, decimal. */
  readonly device: string;
  readonly inode: string;
  readonly first: number;
  readonly last: number;
}

/** Whether anybody has locked a byte of an open file, ourselves included, as /proc knows it. The descriptor is borrowed. */
export async function lockedBytes(fd: number): Promise<(byte: number) => boolean> {
  const text = await readFile("/proc/locks", "utf8").catch(() => "");
  const { device, inode } = await lockedInode(fd);
  const locks = parseByteLocks(text).filter((lock) => lock.device === device && lock.inode === inode);
  return (byte) => locks.some((lock) => lock.first <= byte && byte <= lock.last);
}

/**
 * Rows such as `3: OFDLCK ADVISORY  READ -1 fe:00:2146331 100 100`, of any owner and kind but `flock`, which has no bytes.
 * Rows with `->` wait for a lock and hold none. The file system's number is hexadecimal, the inode's decimal.
 */
export function parseByteLocks(text: string): ByteLock[] {
  const row = /^\d+: (?:OFDLCK|POSIX) +\S+ +(?:READ|WRITE) +-?\d+ ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) (\d+|EOF)$/gm;
  const locks: ByteLock[] = [];
  for (const [, major = "", minor = "", inode = "", first, last] of text.matchAll(row)) {
    const device = `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`;
    locks.push({ device, inode, first: Number(first), last: last === "EOF" ? Infinity : Number(last) });
  }
  return locks;
}

/**
 * The inode under which /proc/locks lists an open file. `stat` has other numbers for it on btrfs and overlays, so the
 * mount of the descriptor is asked; an older kernel's fdinfo has no inode, and there `stat` serves.
 */
async function lockedInode(fd: number): Promise<{ device: string; inode: string }> {
  const stats = fstatSync(fd, { bigint: true });
  const info = await readFile(`/proc/self/fdinfo/${fd}`, "utf8").catch(() => "");
  const inode = /^ino:\s*(\d+)$/m.exec(info)?.[1];
  const mountId = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
  const mount = mounts.find(({ id }) => id === mountId);
  return { device: mount?.device ?? deviceNumber(stats.dev), inode: inode ?? String(stats.ino) };
}
