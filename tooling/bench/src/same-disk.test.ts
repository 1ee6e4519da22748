import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, expect, onTestFinished, test } from "vitest";

import { makeSparseDisk, PIECE } from "./make-disk.ts";
import { assertSameDisk } from "./same-disk.ts";

let source = "";
let copy = "";

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-same-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  source = makeSparseDisk(join(folder, "source"), 40 * PIECE, [3, 4, 30]);
  copy = join(folder, "copy");
  copyFileSync(source, copy);
});

function writeAt(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

test("a copy is its source, also where it has zeroes written instead of holes", () => {
  writeAt(copy, 20 * PIECE, new Uint8Array(PIECE));
  expect(() => assertSameDisk(source, copy)).not.toThrow();
});

test.each([
  ["in the data", 31 * PIECE - 1],
  ["in a hole of the source", 12 * PIECE + 5],
  ["in the last byte", 40 * PIECE - 1],
])("another byte %s is found", (_where, offset) => {
  // Random data may have either of two bytes there, not both.
  expect(() => {
    writeAt(copy, offset, Uint8Array.of(1));
    assertSameDisk(source, copy);
    writeAt(copy, offset, Uint8Array.of(2));
    assertSameDisk(source, copy);
  }).toThrow("differs");
});

test("data that did not arrive is found", () => {
  truncateSync(copy, 0);
  truncateSync(copy, 40 * PIECE);
  expect(() => assertSameDisk(source, copy)).toThrow("differs");
});

test("another size is found", () => {
  truncateSync(copy, 40 * PIECE + 512);
  expect(() => assertSameDisk(source, copy)).toThrow("bytes instead of");
});
