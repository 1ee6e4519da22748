import { randomFillSync } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** Data lies in pieces of this many bytes. */
export const PIECE = 1024 * 1024;

/** A file of random bytes, all of it in the page cache. */
export function makeDisk(path: string, bytes: number): string {
  return makeSparseDisk(
    path,
    bytes,
    Array.from({ length: Math.ceil(bytes / PIECE) }, (_, piece) => piece),
  );
}

/** A file with random bytes in these pieces, and holes elsewhere. */
export function makeSparseDisk(path: string, bytes: number, pieces: readonly number[]): string {
  const file = openSync(path, "w");
  const block = Buffer.allocUnsafeSlow(PIECE);
  for (const piece of pieces) writeSync(file, randomFillSync(block), 0, PIECE, piece * PIECE);
  ftruncateSync(file, bytes);
  closeSync(file);
  return path;
}
