import { open, readdir, readFile, readlink, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "vitest";

export interface LeftBehindOptions {
  /** Where disks, records and sockets were. */
  readonly folders: readonly string[];
  /** Of these nobody may hold a lock any more. One that is not there is none. */
  readonly disks: readonly string[];
  /** Paths besides the disks and their records that may be there, and what is in them: the test's own, or what a SIGKILL cannot take along. */
  readonly mayStay?: readonly string[];
}

/** A record of a disk that is kept in a state folder. */
const STATE_RECORD = /\.[0-9a-f]{16}\.\d+\.blkmig$/;

/** Throws if a run that is over has left a lock, a socket, a temporary file or a process. */
export async function expectNothingLeft(options: LeftBehindOptions): Promise<void> {
  expect(await leftBehind(options)).toEqual([]);
}

/** A sentence for everything that must not be there when a run is over. Waits for nothing: who has ended has let go. */
export async function leftBehind({ folders, disks, mayStay = [] }: LeftBehindOptions): Promise<readonly string[]> {
  const known = new Set([...disks, ...disks.map((disk) => `${disk}.blkmig`), ...mayStay]);
  const [files, locks, processes] = await Promise.all([
    Promise.all(folders.map((folder) => strangersIn(folder, known))),
    Promise.all(disks.map(locksOn)),
    processesAt(folders),
  ]);
  return [...files.flat(), ...locks.flat(), ...processes];
}

async function strangersIn(folder: string, known: ReadonlySet<string>): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const strangers = entries.map(async (entry): Promise<readonly string[]> => {
    const path = join(folder, entry.name);
    if (known.has(path) || STATE_RECORD.test(entry.name)) return [];
    if (entry.isDirectory()) return strangersIn(path, known);
    return [`${entry.isSocket() ? "a socket" : "a file"} is left: ${path}`];
  });
  return (await Promise.all(strangers)).flat();
}

/** Of whatever kind: of bytes (QEMU's way, OFD), of the whole file (flock), and who waits for one. */
async function locksOn(disk: string): Promise<readonly string[]> {
  const file = await open(disk).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return [];
  try {
    const inode = await inodeOf(file.fd);
    const rows = (await readFile("/proc/locks", "utf8")).split("\n").filter((row) => row.includes(` ${inode} `));
    return rows.map((row) => `a lock is left on ${basename(disk)}: ${row}`);
  } finally {
    await file.close();
  }
}

/** As /proc/locks names it: on overlays and btrfs `stat` knows another file system than the kernel's locks do. */
async function inodeOf(fd: number): Promise<string> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, "utf8");
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const { ino } = await stat(`/proc/self/fd/${fd}`);
  const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
  const device = new RegExp(String.raw`^${mount} \d+ (\d+):(\d+) `, "m").exec(mounts);
  if (!device) throw new Error(`no mount ${mount}`);
  const [major, minor] = [Number(device[1]), Number(device[2])].map((number) => number.toString(16).padStart(2, "0"));
  return `${major}:${minor}:${/^ino:\s*(\d+)$/m.exec(info)?.[1] ?? ino}`;
}

/** Whose words name a folder, or who has a file open in it; ourselves excepted. */
async function processesAt(folders: readonly string[]): Promise<readonly string[]> {
  const others = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const isAt = (text: string): boolean => folders.some((folder) => text.includes(folder));
  const found = others.map(async (pid): Promise<readonly string[]> => {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
    if (!isAt(words) && !(await openFilesOf(pid)).some(isAt)) return [];
    return [`a process is left: ${pid} ${words}`];
  });
  return (await Promise.all(found)).flat();
}

/** None of a process that has ended meanwhile, or is not ours to look into. */
async function openFilesOf(pid: string): Promise<readonly string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  return Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
}
