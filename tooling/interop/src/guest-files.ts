import { execFile, execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { createRandom } from "@blkmig/testkit";

import { recordBytes } from "./guest-records.ts";
import type { Entries, Journal } from "./journal.ts";

/** What guest-live.sh has left in its file system. */
export interface Files {
  /** What e2fsck says; "" of a clean one. */
  readonly faults: string;
  /** Numbers of the files that are whole, in order. */
  readonly intact: readonly number[];
  /** Names of files that hold other bytes than they should, or should not be there at all. */
  readonly corrupt: readonly string[];
}

const MIB = 1048576;
const BALLAST = "ballast";
const [MKFS, E2FSCK, DEBUGFS] = ["/sbin/mkfs.ext4", "/sbin/e2fsck", "/sbin/debugfs"] as const;
/** Inode tables are left to the guest's kernel to write zeroes to, as installers do. */
const SHAPE = ["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-J", "size=4"];

/** Makes an ext4 file system of this size, half of it random bytes: a burden to move. What is in it stays beside it. */
export function makeFileSystem(image: string, size: number): string {
  const root = rootOf(image);
  mkdirSync(root);
  const ballast = openSync(join(root, BALLAST), "w");
  const random = createRandom(7);
  for (let at = 0; at < size / 2; at += MIB) writeSync(ballast, random.bytes(MIB));
  closeSync(ballast);
  closeSync(openSync(image, "w"));
  truncateSync(image, size);
  execFileSync(MKFS, [...SHAPE, "-d", root, image], { stdio: ["ignore", "ignore", "pipe"] });
  return image;
}

/**
 * Checks a file system that nobody has mounted, and reads all its files, which stay beside it; the image stays as it is. It
 * began as a copy of what `makeFileSystem()` made at `origin`.
 */
export async function checkFiles(image: string, origin: string): Promise<Files> {
  const run = promisify(execFile);
  const faults = await run(E2FSCK, ["-fn", image]).then(
    () => "",
    (failed: unknown) => `${failed as Error}${(failed as { readonly stdout: string }).stdout}`,
  );
  const found = mkdtempSync(`${image}.found-`);
  await run(DEBUGFS, ["-R", `rdump / ${found}`, image]);
  const ballast = readFileSync(join(rootOf(origin), BALLAST));
  const [intact, corrupt]: [number[], string[]] = [[], []];
  for (const name of filesUnder(found)) {
    const bytes = readFileSync(join(found, name));
    const number = /^old\/(\d+)$/.exec(name)?.[1];
    if (number !== undefined && bytes.equals(fileBytes(Number(number)))) intact.push(Number(number));
    else if (name !== BALLAST || !bytes.equals(ballast)) corrupt.push(name);
  }
  return { faults, intact: intact.toSorted((one, other) => one - other), corrupt };
}

function filesUnder(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

function rootOf(image: string): string {
  return `${image}.root`;
}

/** The bytes of one file: what `write_file` in guest-live.sh writes. */
function fileBytes(number: number): Buffer {
  return Buffer.concat(Array.from({ length: (number % 8) + 1 }, () => recordBytes(number, 0)));
}

/** The numbers of the files of which a guest has said that they are durable. */
export function filesTold(serial: Entries<string>): readonly number[] {
  return serial.entries.flatMap((line) => (/^file \d+$/.test(line) ? [Number(line.slice("file ".length))] : []));
}

/** Those of them that it has not removed again, of a guest that has stopped. */
export function filesKept(serial: Entries<string>): readonly number[] {
  return filesTold(serial).slice(-16);
}

/** Waits until the guest has said that this file, or a later one, is durable. */
export async function untilFile(serial: Journal<string>, number: number): Promise<void> {
  await serial.until((line) => line.startsWith("file ") && Number(line.slice("file ".length)) >= number);
}
