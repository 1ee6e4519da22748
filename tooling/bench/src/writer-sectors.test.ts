import { expect, it } from "vitest";

import { createSectors, SECTOR } from "./writer-sectors.ts";

it("knows what was written last to each sector, also when the memory has been used again", () => {
  const sectors = createSectors(8);
  const disk = new Map<number, Uint8Array>();
  for (let write = 0; write < 100; write++) {
    const { sector, bytes } = sectors.begin();
    disk.set(sector, bytes.slice());
    sectors.landed(sector, bytes);
  }
  const found = sectors.sample(8).filter((sector) => disk.has(sector));
  expect(found).toHaveLength(disk.size);
  for (const sector of found) expect(sectors.expected(sector)).toEqual(disk.get(sector));
  const contents = [...disk.values()].map((bytes) => bytes.join());
  expect(new Set(contents).size).toBe(disk.size);
  expect(contents[0]!.split(",")).toHaveLength(SECTOR);
});

it("begins no second write of a sector while the first is under way", () => {
  const sectors = createSectors(16);
  const begun = Array.from({ length: 16 }, () => sectors.begin().sector);
  expect(begun.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, sector) => sector));
});

it("samples written sectors first, and expects nothing where none were", () => {
  const sectors = createSectors(10_000);
  const { sector, bytes } = sectors.begin();
  sectors.landed(sector, bytes);
  const sample = sectors.sample(100);
  expect(new Set(sample).size).toBe(100);
  expect(sample).toContain(sector);
  expect(sample.filter((each) => sectors.expected(each) !== undefined)).toEqual([sector]);
});
