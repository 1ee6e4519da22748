import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createDirtyBitmap, type DirtyBitmap } from "./dirty-bitmap.ts";
import type { DirtySet } from "./tracking.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const TiB = MiB * MiB;

/** The bitmap as one would first write it: a set of granule numbers. */
function createModel(size: number, granularity: number) {
  const granules = new Set<number>();
  const count = Math.ceil(size / granularity);
  const touched = (offset: number, length: number) => {
    const found = [];
    for (let g = 0; g < count; g++) {
      if (length > 0 && g * granularity < offset + length && (g + 1) * granularity > offset) found.push(g);
    }
    return found;
  };
  const runs = () => {
    const found: { offset: number; length: number }[] = [];
    for (let g = 0; g < count; g++) {
      if (!granules.has(g)) continue;
      const offset = g * granularity;
      const length = Math.min(granularity, size - offset);
      const last = found.at(-1);
      if (last && last.offset + last.length === offset) last.length += length;
      else found.push({ offset, length });
    }
    return found;
  };
  return {
    granules,
    count,
    touched,
    runs,
    mark: (offset: number, length: number) => touched(offset, length).forEach((g) => granules.add(g)),
    clear: (offset: number, length: number) => {
      for (const g of touched(offset, length)) {
        const end = Math.min((g + 1) * granularity, size);
        if (g * granularity >= offset && end <= offset + length) granules.delete(g);
      }
    },
    next: (from: number, limit: number) => {
      for (const run of runs()) {
        const end = run.offset + run.length;
        if (end <= from) continue;
        const offset = Math.max(run.offset, from);
        return { offset, length: Math.min(end - offset, limit) };
      }
      return undefined;
    },
    bytes: () => runs().reduce((sum, run) => sum + run.length, 0),
  };
}

type Step =
  | { do: "mark" | "clear" | "any" | "all" | "next"; at: number; length: number }
  | { do: "markAll" | "clearAll" | "take" }
  | { do: "merge"; granularity: number; at: number; length: number };

const place = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.double({ min: 0, max: 1, noNaN: true }),
});
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: place.chain((p) =>
      fc.constantFrom("mark", "clear", "any", "all", "next").map((d) => ({ do: d as "mark", ...p })),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("markAll", "clearAll", "take").map((d) => ({ do: d as "take" })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, fc.constantFrom(512, 4096, 65536))
      .map(([p, granularity]) => ({ do: "merge" as const, granularity, ...p })),
  },
);

function extentOf(size: number, p: { at: number; length: number }) {
  const offset = Math.floor(p.at * size);
  // Squared, so that short extents are as likely as long ones.
  return { offset, length: Math.floor(p.length * p.length * (size - offset + 0.999)) };
}

describe("createDirtyBitmap", () => {
  // The last granularity with the last size spans several pages (8192 granules each) and a branch above them.
  it.each([
    [512, 0],
    [512, 1],
    [512, 40_000],
    [4096, 3 * MiB + 512],
    [64 * KiB, 8 * MiB + 1],
    [MiB, 5 * MiB - 3],
  ])("says what a Set of granules says, granularity %i, size %i", (granularity, size) => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 30 }), (steps) => {
        const bitmap = createDirtyBitmap({ size, granularity });
        const model = createModel(size, granularity);
        for (const step of steps) perform(step, bitmap, model);
      }),
      { numRuns: 150 },
    );
  });

  it("joins runs across pages, and splits and collapses them again", () => {
    const size = 100 * 4 * MiB + 700;
    const bitmap = createDirtyBitmap({ size, granularity: 512 });
    bitmap.mark(4 * MiB - 512, 90 * 4 * MiB);
    expect([...bitmap.runs()]).toEqual([{ offset: 4 * MiB - 512, length: 90 * 4 * MiB }]);
    bitmap.clear(8 * MiB, 4 * MiB);
    bitmap.clear(300 * MiB + 512, 512);
    expect([...bitmap.runs()]).toEqual([
      { offset: 4 * MiB - 512, length: 4 * MiB + 512 },
      { offset: 12 * MiB, length: 288 * MiB + 512 },
      { offset: 300 * MiB + 1024, length: 64 * MiB - 512 - 1024 },
    ]);
    bitmap.markAll();
    expect([...bitmap.runs()]).toEqual([{ offset: 0, length: size }]);
    expect(bitmap.bytes).toBe(size);
    bitmap.clear(size - 188, 188);
    expect(bitmap.bytes).toBe(size - 188);
    expect(bitmap.any(size - 188, 188)).toBe(false);
    expect(bitmap.all(0, size - 188)).toBe(true);
  });

  it("takes what is marked without a copy, and both go on apart", () => {
    const bitmap = createDirtyBitmap({ size: 10 * MiB, granularity: 4096 });
    bitmap.mark(5000, 1);
    const taken = bitmap.take();
    bitmap.mark(20_000, 1);
    taken.mark(100_000, 1);
    expect([...taken.runs()].map((run) => run.offset)).toEqual([4096, 98_304]);
    expect([...bitmap.runs()].map((run) => run.offset)).toEqual([16_384]);
  });

  it("costs what is mixed, not what is large: 3 TiB at 512 bytes", () => {
    const before = process.memoryUsage().arrayBuffers;
    const bitmap = createDirtyBitmap({ size: 3 * TiB, granularity: 512 });
    bitmap.markAll();
    bitmap.clear(TiB + 512, TiB - 512);
    bitmap.clear(2 * TiB + 5 * MiB, 512);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MiB);
    expect([...bitmap.runs()]).toEqual([
      { offset: 0, length: TiB + 512 },
      { offset: 2 * TiB, length: 5 * MiB },
      { offset: 2 * TiB + 5 * MiB + 512, length: TiB - 5 * MiB - 512 },
    ]);
    bitmap.clearAll();
    bitmap.mark(3 * TiB - 1, 1);
    expect(bitmap.next(0)).toEqual({ offset: 3 * TiB - 512, length: 512 });
  });

  it("refuses what is no bitmap, no extent and no limit", () => {
    expect(() => createDirtyBitmap({ size: -1, granularity: 512 })).toThrow(RangeError);
    for (const granularity of [0, 256, 513, 1536, 2 * MiB, Number.NaN]) {
      expect(() => createDirtyBitmap({ size: 1, granularity })).toThrow(RangeError);
    }
    const bitmap = createDirtyBitmap({ size: 1000, granularity: 512 });
    expect(() => bitmap.mark(999, 2)).toThrow(RangeError);
    expect(() => bitmap.clear(-1, 2)).toThrow(RangeError);
    expect(() => bitmap.next(0, 0)).toThrow(RangeError);
    const larger = createDirtyBitmap({ size: 2000, granularity: 512 });
    larger.markAll();
    expect(() => bitmap.merge(larger)).toThrow(RangeError);
  });
});

function perform(step: Step, bitmap: DirtyBitmap, model: ReturnType<typeof createModel>): void {
  const { size, granularity } = bitmap;
  switch (step.do) {
    case "markAll":
      bitmap.markAll();
      model.mark(0, size);
      break;
    case "clearAll":
      bitmap.clearAll();
      model.granules.clear();
      break;
    case "take":
      expect([...bitmap.take().runs()]).toEqual(model.runs());
      model.granules.clear();
      break;
    case "merge": {
      const other = createDirtyBitmap({ size, granularity: step.granularity });
      const { offset, length } = extentOf(size, step);
      other.mark(offset, length);
      bitmap.merge(other satisfies DirtySet);
      for (const run of other.runs()) model.mark(run.offset, run.length);
      break;
    }
    default:
      performOn(step.do, extentOf(size, step), bitmap, model);
  }
  expect([...bitmap.runs()]).toEqual(model.runs());
  expect(bitmap.bytes).toBe(model.bytes());
  expect(bitmap.granularity).toBe(granularity);
}

function performOn(
  what: "mark" | "clear" | "any" | "all" | "next",
  { offset, length }: { offset: number; length: number },
  bitmap: DirtyBitmap,
  model: ReturnType<typeof createModel>,
): void {
  switch (what) {
    case "mark":
      bitmap.mark(offset, length);
      return model.mark(offset, length);
    case "clear":
      bitmap.clear(offset, length);
      return model.clear(offset, length);
    case "any":
      return expect(bitmap.any(offset, length)).toBe(model.touched(offset, length).some((g) => model.granules.has(g)));
    case "all":
      return expect(bitmap.all(offset, length)).toBe(model.touched(offset, length).every((g) => model.granules.has(g)));
    case "next":
      return expect(bitmap.next(offset, length + 1)).toEqual(model.next(offset, length + 1));
  }
}
