import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";

const BLOCK = 1048576;

/** A sparse disk, all zero. */
export function makeEmptyDisk(path: string, size: number): string {
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

/** A disk whose blocks of 1 MiB are random, one in three left a hole. Equal seeds make equal disks. */
export function makeDisk(path: string, size: number, seed = 1): string {
  const file = openSync(path, "w");
  const random = createRandom(seed);
  for (let at = 0; at < size; at += BLOCK) {
    const block = random.bytes(Math.min(BLOCK, size - at));
    if (Math.floor(at / BLOCK) % 3 !== 1) writeSync(file, block, 0, block.length, at);
  }
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

/** A disk without a single zero block: what a receiver does not write stays wrong. */
export function makeGarbageDisk(path: string, size: number): string {
  const file = openSync(path, "w");
  const garbage = new Uint8Array(BLOCK).fill(0xa5);
  for (let at = 0; at < size; at += BLOCK) writeSync(file, garbage, 0, Math.min(BLOCK, size - at), at);
  closeSync(file);
  return path;
}
