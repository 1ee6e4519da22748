import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";

import { JournalError } from "./journal-error.ts";
import type { JournalFiles } from "./journal-files.ts";

/** The most that is read of any file, bytes. */
export const LARGEST_FILE: number = 1024 * 1024;

/** A file of ours, whole; undefined if there is none. Throws `JournalError`: `io`, `damaged` (too large). */
export async function readWhole(files: JournalFiles, path: string): Promise<Uint8Array | undefined> {
  const bytes = await tried(path, "read", () => files.read(path, LARGEST_FILE));
  if (bytes === undefined || bytes.length <= LARGEST_FILE) return bytes;
  throw new JournalError("damaged", path, `it has more than ${LARGEST_FILE} bytes, and is none of blkmig's`);
}

/** What is read now is read after a crash of the machine too: a process may have died between its rename and this. */
export async function makeDurable(files: JournalFiles, path: string): Promise<void> {
  await tried(path, "made durable", () => files.syncFolder(dirname(path)));
}

/** Puts new bytes in the place of old ones: whoever reads, at whatever moment or crash, has all old or all new. Throws `JournalError` `io`. */
export async function writeDurably(files: JournalFiles, path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const temporary = `${path}.new`;
  await tried(path, "written durably", async () => {
    await files.makeFolder(folder);
    try {
      await files.create(temporary, bytes);
      // Only after the bytes are on stable storage: else a crash leaves the name on an empty file.
      await files.rename(temporary, path);
    } catch (error) {
      await files.remove(temporary).catch(() => {}); // half of a record on a full disk; why it failed is worth more
      throw error;
    }
    // Only after this may anybody be told: else a crash brings the old bytes back.
    await files.syncFolder(folder);
  });
}

/** It is gone when this settles, also after a crash. Throws `JournalError` `io`. */
export async function removeDurably(files: JournalFiles, path: string): Promise<void> {
  await tried(path, "removed durably", async () => {
    await files.makeFolder(dirname(path));
    await files.remove(path);
    await files.syncFolder(dirname(path));
  });
}

async function tried<T>(path: string, what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new JournalError("io", path, `it could not be ${what}: ${wordsOf(error)}`, { cause: error });
  }
}

/** The system's words, and its code in brackets: the call is no person's business, and the path stands before. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = "errno" in error && typeof error.errno === "number" && getSystemErrorMap().get(error.errno);
  return known ? `${known[1]} (${known[0]})` : error.message;
}
