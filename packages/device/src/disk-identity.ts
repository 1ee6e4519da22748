import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

/** Which disk it is, by whatever path. Numbers are decimal; devices are "major:minor"; a URL is a disk of another server's. */
export type DiskIdentity =
  | { readonly device: string; readonly inode: string }
  | { readonly rdev: string; /** The file under a loop device. */ readonly backing?: DiskIdentity }
  | { readonly url: string };

/** Whether both are one disk: one inode, one block device, a loop device and the file under it, or one URL. */
export function sameDisk(a: DiskIdentity, b: DiskIdentity): boolean {
  const below = new Set(layersOf(b));
  return layersOf(a).some((layer) => below.has(layer));
}

/** The identity of what `path` leads to, without opening it. Throws what `fs.stat` throws. */
export async function identifyDisk(path: string): Promise<DiskIdentity> {
  return identityOf(await stat(path, { bigint: true }));
}

export async function identityOf(stats: BigIntStats): Promise<DiskIdentity> {
  if (!stats.isBlockDevice()) return { device: deviceNumber(stats.dev), inode: String(stats.ino) };
  const rdev = deviceNumber(stats.rdev);
  const backing = await backingFile(rdev);
  if (backing === undefined) return { rdev };
  // A backing file that was deleted, or lies in another mount namespace, is no path of ours.
  const below = await identifyDisk(backing).catch(() => undefined);
  return below ? { rdev, backing: below } : { rdev };
}

/** "major:minor" of a Linux `dev_t`, whose two numbers lie interleaved. */
export function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** The path of the file under a loop device, as the kernel knows it. Undefined for any other block device. */
async function backingFile(rdev: string): Promise<string | undefined> {
  const text = await readFile(`/sys/dev/block/${rdev}/loop/backing_file`, "utf8").catch(() => undefined);
  return text?.replace(/\n$/, "");
}

function layersOf(disk: DiskIdentity): string[] {
  if ("url" in disk) return [`url ${disk.url}`];
  if (!("rdev" in disk)) return [`file ${disk.device} ${disk.inode}`];
  return [`block ${disk.rdev}`, ...(disk.backing ? layersOf(disk.backing) : [])];
}
