import { readFile, readdir, stat } from "node:fs/promises";

import { type DiskIdentity, deviceNumber, identifyDisk, sameDisk } from "./disk-identity.ts";
import { parseMounts, unescaped } from "./mount-table.ts";

/** One place where a disk, or a partition of it, is in use by this machine. */
export interface MountedAt {
  /** The folder; "swap" where the disk is swap space. */
  readonly path: string;
  /** The whole file system is mounted read-only, not only seen so at this path. */
  readonly readOnly: boolean;
}

/**
 * Where a disk is mounted, as this mount namespace knows it: the disk itself, its partitions, what was made of them (LVM,
 * encryption), and a file through its loop devices. Empty where there is no /proc and /sys.
 */
export async function mountedAt(disk: { readonly identity: DiskIdentity }): Promise<MountedAt[]> {
  const devices = await devicesOver(disk.identity);
  const mounts = parseMounts(await textOf("/proc/self/mountinfo"));
  const found: MountedAt[] = [];
  for (const { device, from, path, readOnly } of mounts) {
    // btrfs mounts have a number of their own: only their origin names the disk.
    if (devices.has(device) || devices.has(await blockDeviceAt(from))) found.push({ path, readOnly });
  }
  return (await isSwap(disk.identity, devices)) ? [...found, { path: "swap", readOnly: false }] : found;
}

/** "major:minor" of every block device that shows bytes of the disk. */
async function devicesOver(disk: DiskIdentity): Promise<Set<string>> {
  const devices = new Set<string>();
  const next = [...("rdev" in disk ? [disk.rdev] : []), ...(await loopDevicesOf(disk))];
  for (let device = next.pop(); device !== undefined; device = next.pop()) {
    if (devices.has(device)) continue;
    devices.add(device);
    next.push(
      ...(await devicesIn(`/sys/dev/block/${device}`)),
      ...(await devicesIn(`/sys/dev/block/${device}/holders`)),
    );
  }
  return devices;
}

/** The folders of block devices in a folder of /sys: partitions in a disk's, device-mapper and md in its holders'. */
async function devicesIn(folder: string): Promise<string[]> {
  const devices: string[] = [];
  for (const child of await namesIn(folder)) {
    const device = (await textOf(`${folder}/${child}/dev`)).trim();
    if (device !== "") devices.push(device);
  }
  return devices;
}

async function loopDevicesOf(disk: DiskIdentity): Promise<string[]> {
  const loops: string[] = [];
  for (const name of await namesIn("/sys/block")) {
    if (!name.startsWith("loop")) continue;
    const backing = (await textOf(`/sys/block/${name}/loop/backing_file`)).replace(/\n$/, "");
    const below = backing === "" ? undefined : await identifyDisk(backing).catch(() => undefined);
    if (below && sameDisk(below, disk)) loops.push((await textOf(`/sys/block/${name}/dev`)).trim());
  }
  return loops;
}

/** Rows of /proc/swaps: `path type size used priority`, after one line of headings. */
async function isSwap(disk: DiskIdentity, devices: ReadonlySet<string>): Promise<boolean> {
  const rows = (await textOf("/proc/swaps")).split("\n").slice(1);
  for (const row of rows) {
    const path = unescaped(row.split(/\s/, 1)[0] ?? "");
    const swap = path === "" ? undefined : await identifyDisk(path).catch(() => undefined);
    if (swap && (sameDisk(swap, disk) || ("rdev" in swap && devices.has(swap.rdev)))) return true;
  }
  return false;
}

/** "major:minor" of the block device at a path; empty if there is none. */
async function blockDeviceAt(path: string): Promise<string> {
  if (!path.startsWith("/")) return "";
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats?.isBlockDevice() ? deviceNumber(stats.rdev) : "";
}

// What is missing under /proc and /sys is not there: that is the answer.
async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
