import { randomFillSync } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";

const MiB = 1024 * 1024;

/** A file of random bytes, all of it in the page cache. */
export function makeDisk(path: string, bytes: number): string {
  const file = openSync(path, "w");
  const block = Buffer.allocUnsafeSlow(MiB);
  for (let at = 0; at < bytes; at += MiB) writeSync(file, randomFillSync(block), 0, MiB, at);
  closeSync(file);
  return path;
}
