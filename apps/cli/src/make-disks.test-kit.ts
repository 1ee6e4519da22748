import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";

export const MIB = 1024 * 1024;

/** Writes a disk of data, zeroes and holes, the same for one seed. */
export function makeDisk(path: string, size: number, seed = 1): string {
  const random = createRandom(seed);
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  for (let at = 0; at < size; at += MIB) {
    const length = Math.min(MIB, size - at);
    const kind = random.int(4);
    if (kind === 0 && at > 0) continue; // a hole
    const piece = kind === 1 && at > 0 ? new Uint8Array(length) : random.bytes(length);
    writeSync(file, piece, 0, length, at);
  }
  closeSync(file);
  return path;
}

/** A target full of what must not survive. */
export function makeGarbage(path: string, size: number): string {
  writeFileSync(path, new Uint8Array(size).fill(0xee));
  return path;
}

export function sameFiles(a: string, b: string): boolean {
  return readFileSync(a).equals(readFileSync(b));
}
