import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Which disk it is, as `@blkmig/device` says it: a file by its file system's device number and inode, a block device by its own number, a disk of another server's by its URL. */
export type DiskIdentityLike =
  | { readonly device: string; readonly inode: string }
  | { readonly rdev: string; /** The file under a loop device. */ readonly backing?: DiskIdentityLike }
  | { readonly url: string };

/** What a block device calls itself, under /sys/dev/block/MAJOR:MINOR, best first. */
const NAMES = ["dm/uuid", "md/uuid", "wwid", "device/wwid", "uuid", "serial", "device/serial"];

/**
 * A disk's identity by what outlives a restart of the machine. A loop device: its file's. A partition: its disk's, and its number.
 * Another block device: what it calls itself (device-mapper's and md's UUID, WWID, NVMe's UUID, serial number), and only where it
 * has no such name its "major:minor", which may be another's tomorrow. A file: its inode, on the block device of its file system.
 * `sys` is where the kernel shows its devices.
 */
export async function stableIdentity(disk: DiskIdentityLike, sys: string = "/sys"): Promise<string> {
  if ("url" in disk) return `url ${disk.url}`;
  if ("inode" in disk) return `file ${disk.inode} on ${await blockIdentity(disk.device, sys)}`;
  return disk.backing ? stableIdentity(disk.backing, sys) : blockIdentity(disk.rdev, sys);
}

async function blockIdentity(number: string, sys: string): Promise<string> {
  const folder = join(sys, "dev/block", number);
  const partition = await textOf(join(folder, "partition"));
  if (partition !== "") return `part ${partition} of ${await blockIdentity(await diskOfPartition(folder), sys)}`;
  const file = await backingFile(folder);
  if (file) return stableIdentity(file, sys);
  for (const name of NAMES) {
    const said = await textOf(join(folder, name));
    if (said !== "") return `${name} ${said}`;
  }
  return `device ${number}`;
}

/** A partition's folder in /sys, without links, is inside its disk's. */
async function diskOfPartition(folder: string): Promise<string> {
  return textOf(join(dirname(await realpath(folder)), "dev"));
}

async function backingFile(folder: string): Promise<DiskIdentityLike | undefined> {
  const path = await textOf(join(folder, "loop/backing_file"));
  // A backing file that was deleted, or lies in another mount namespace, is no path of ours.
  const stats = path === "" ? undefined : await stat(path, { bigint: true }).catch(() => undefined);
  return stats?.isFile() ? { device: deviceNumber(stats.dev), inode: String(stats.ino) } : undefined;
}

/** "major:minor" of a Linux `dev_t`, whose two numbers lie interleaved. */
function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

// What is missing under /sys is not there: that is the answer.
async function textOf(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trim();
}
