import { createDirtyBitmap, type Run } from "@blkmig/device";
import { expect, test } from "vitest";

import { heldRuns } from "./held-runs.ts";

const marked = (granules: number, ...runs: readonly (readonly [from: number, to: number])[]) => {
  const bitmap = createDirtyBitmap({ size: granules * 4096, granularity: 4096 });
  for (const [from, to] of runs) bitmap.mark(from * 4096, (to - from) * 4096);
  return bitmap;
};
const inGranules = (runs: readonly Run[]) =>
  runs.map(({ offset, length }) => [offset / 4096, (offset + length) / 4096] as const);

test("few runs are told as they are", () => {
  const [first, second] = heldRuns([marked(100, [0, 3], [90, 100]), marked(10)], 2);
  expect(inGranules(first!)).toEqual([
    [0, 3],
    [90, 100],
  ]);
  expect(second).toEqual([]);
});

test("too many are joined over the smallest gaps of all disks", () => {
  const disks = [marked(100, [0, 1], [2, 3], [50, 51]), marked(100, [0, 10], [20, 30])];
  expect(heldRuns(disks, 4).map(inGranules)).toEqual([
    [
      [0, 3],
      [50, 51],
    ],
    [
      [0, 10],
      [20, 30],
    ],
  ]);
  expect(heldRuns(disks, 2).map(inGranules)).toEqual([[[0, 51]], [[0, 30]]]);
});

test("a disk in a hundred thousand pieces is told of in as many as fit, and none is left out", () => {
  const bitmap = createDirtyBitmap({ size: 300_000 * 4096, granularity: 4096 });
  for (let granule = 0; granule < 300_000; granule += 3) bitmap.mark(granule * 4096, 4096);
  const [runs] = heldRuns([bitmap], 2048);
  expect(runs!.length).toBeLessThanOrEqual(2048);
  let at = 0;
  for (const { offset, length } of bitmap.runs()) {
    while (runs![at]!.offset + runs![at]!.length <= offset) at++;
    expect(runs![at]!.offset <= offset && offset + length <= runs![at]!.offset + runs![at]!.length).toBe(true);
  }
  expect(runs!.at(-1)!.offset + runs!.at(-1)!.length).toBeLessThanOrEqual(bitmap.size);
});
