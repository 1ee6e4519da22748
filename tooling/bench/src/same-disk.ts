import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { dataExtents } from "./data-extents.ts";

const BLOCK = 4 * 1024 * 1024;

/** Throws unless the copy is as large as its source and equal, byte for byte. Holes count as zeroes. */
export function assertSameDisk(source: string, copy: string): void {
  assertSameSize(source, copy);
  const files = [openSync(source, "r"), openSync(copy, "r")] as const;
  try {
    const { size } = fstatSync(files[0]);
    // What only the copy has must be zeroes, so that both are asked.
    const extents = files.flatMap((file) => Array.from(dataExtents(file, size)));
    let compared = 0;
    for (const { from, to } of extents.toSorted((a, b) => a.from - b.from)) {
      assertSameExtent(files, Math.max(from, compared), Math.min(to, size), copy);
      compared = Math.max(compared, to);
    }
  } finally {
    files.forEach(closeSync);
  }
}

/** Throws unless the copy is as large as its source. */
export function assertSameSize(source: string, copy: string): void {
  const [want, got] = [source, copy].map((path) => {
    const file = openSync(path, "r");
    const { size } = fstatSync(file);
    closeSync(file);
    return size;
  });
  if (want !== got) throw new Error(`${copy} has ${got} bytes instead of ${want}`);
}

function assertSameExtent(files: readonly [number, number], from: number, to: number, copy: string): void {
  const [want, got] = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)];
  for (let at = from; at < to; at += BLOCK) {
    const length = Math.min(BLOCK, to - at);
    readSync(files[0], want, 0, length, at);
    readSync(files[1], got, 0, length, at);
    if (want.compare(got, 0, length, 0, length) !== 0) throw new Error(`${copy} differs from its source near ${at}`);
  }
}
