import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import type { GuestArea } from "./guest-records.ts";

const MiB = 1024 * 1024;
const FILE_SYSTEM_BYTES = 256 * MiB;
const AREA: GuestArea = { offset: FILE_SYSTEM_BYTES, length: 64 * MiB };
/** Debian keeps mkfs where an ordinary user's PATH does not look. */
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/** A disk for the demo. */
export interface DemoImage {
  readonly path: string;
  readonly size: number;
  /** What lies before the guest's area, for a person. */
  readonly holds: string;
  readonly hasFileSystem: boolean;
  readonly area: GuestArea;
}

/** Makes a sparse disk image: a real ext4 file system with files in it where there is mkfs.ext4, and room for the guest. */
export async function makeImage(folder: string): Promise<DemoImage> {
  const path = join(folder, "source.img");
  const hasFileSystem = await makeFileSystem(folder, path);
  if (!hasFileSystem) await generate(path);
  const size = AREA.offset + AREA.length;
  await truncate(path, size);
  const holds = hasFileSystem ? "an ext4 file system with 96 MiB of files" : "generated data (no mkfs.ext4 here)";
  return { path, size, holds, hasFileSystem, area: AREA };
}

async function makeFileSystem(folder: string, path: string): Promise<boolean> {
  const files = join(folder, "files");
  await mkdir(files);
  for (let i = 0; i < 12; i++) await writeFile(join(files, `file-${i}.bin`), randomBytes(8 * MiB));
  try {
    await run("mkfs.ext4", ["-q", "-F", "-d", files, path, `${FILE_SYSTEM_BYTES / 1024}k`]);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  } finally {
    await rm(files, { recursive: true });
  }
}

/** Data, zeroes that were written, and holes, in turns of 16 MiB. */
async function generate(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let offset = 0; offset < FILE_SYSTEM_BYTES; offset += 48 * MiB) {
      for (let at = offset; at < offset + 16 * MiB; at += MiB) await file.write(randomBytes(MiB), 0, MiB, at);
      await file.write(Buffer.alloc(MiB), 0, MiB, offset + 16 * MiB);
    }
  } finally {
    await file.close();
  }
}

/** Whether the file system on an image is sound; undefined where there is no e2fsck to ask. */
export async function fileSystemIsSound(path: string): Promise<boolean | undefined> {
  try {
    await run("e2fsck", ["-f", "-n", path]);
    return true;
  } catch (error) {
    return isMissing(error) ? undefined : false;
  }
}

const run = (command: string, args: readonly string[]): Promise<unknown> =>
  promisify(execFile)(command, [...args], { env: { ...process.env, PATH } });

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
