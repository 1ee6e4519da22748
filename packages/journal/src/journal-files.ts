import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** What records need of a file system. Each throws what `node:fs` throws. */
export interface JournalFiles {
  /** The whole of a file, if it has at most `most` bytes, else its first `most` + 1; undefined if there is none. */
  read(path: string, most: number): Promise<Uint8Array | undefined>;
  /** Makes a new file whose bytes are on stable storage when this settles; its name is so only after `syncFolder`. What had the name is gone. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** It is no error if there is none. */
  remove(path: string): Promise<void>;
  /** Which names a folder holds is on stable storage when this settles. */
  syncFolder(path: string): Promise<void>;
  /** Makes a folder that only its owner sees, on stable storage, unless there is one. */
  makeFolder(path: string): Promise<void>;
}

/** This machine's. */
export const machineFiles: JournalFiles = { read, create, rename, remove, syncFolder, makeFolder };

async function read(path: string, most: number): Promise<Uint8Array | undefined> {
  const file = await open(path, "r").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    const into = new Uint8Array(most + 1);
    let length = 0;
    while (length < into.length) {
      const { bytesRead } = await file.read(into, length, into.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return into.subarray(0, length);
  } finally {
    await file.close();
  }
}

async function create(path: string, bytes: Uint8Array): Promise<void> {
  await remove(path); // half of one that was left by a crash
  const file = await open(path, "wx", 0o600); // exclusive: a link that somebody laid here is not followed
  try {
    await file.writeFile(bytes);
    await file.sync(); // by the descriptor that wrote: the kernel tells a failed write-back only once
  } finally {
    await file.close();
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder, since their server does it by itself.
    if (codeOf(error) !== "EINVAL") throw error;
  } finally {
    await folder.close();
  }
}

/** One folder after the other: where none can be made (/proc), `mkdir` with `recursive` never comes back (Node.js 20 and 24). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
  await syncFolder(dirname(path));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
