import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createDirtyBitmap, type DirtyBitmap } from "./dirty-bitmap.ts";

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

/** Even from 0 to 1. (`fc.double` is even over floating-point numbers, and so nearly always nearly 0.) */
const fraction = fc.integer({ min: 0, max: 2 ** 30 }).map((number) => number / 2 ** 30);

const stepArbitrary = fc.record({
  // "mark" and "clear" more often than "take", or there is never much to take.
  action: fc.constantFrom(
    ...(["mark", "clear", "any", "all", "next", "merge"] as const).flatMap((name) => [name, name, name]),
    ...(["markAll", "clearAll", "take"] as const),
  ),
  at: fraction,
  length: fraction,
  granularity: fc.constantFrom(512, 4096, 65_536),
});

interface Place {
  readonly offset: number;
  readonly length: number;
  readonly granularity: number;
}

type Model = ReturnType<typeof createModel>;

/** Each does the same to both, and returns what the bitmap said and what the model says. */
const actions: Record<string, (bitmap: DirtyBitmap, model: Model, place: Place) => [said: unknown, truth: unknown]> = {
  mark: (bitmap, model, { offset, length }) => [bitmap.mark(offset, length), model.mark(offset, length)],
  clear: (bitmap, model, { offset, length }) => [bitmap.clear(offset, length), model.clear(offset, length)],
  markAll: (bitmap, model) => [bitmap.markAll(), model.mark(0, bitmap.size)],
  clearAll: (bitmap, model) => [bitmap.clearAll(), model.granules.clear()],
  any: (bitmap, model, { offset, length }) => [
    bitmap.any(offset, length),
    model.touched(offset, length).some((granule) => model.granules.has(granule)),
  ],
  all: (bitmap, model, { offset, length }) => [
    bitmap.all(offset, length),
    model.touched(offset, length).every((granule) => model.granules.has(granule)),
  ],
  next: (bitmap, model, { offset, length }) => [bitmap.next(offset, length + 1), model.next(offset, length + 1)],
  take: (bitmap, model) => {
    const marked = model.runs();
    model.granules.clear();
    return [[...bitmap.take().runs()], marked];
  },
  merge: (bitmap, model, { offset, length, granularity }) => {
    const other = createDirtyBitmap({ size: bitmap.size, granularity });
    other.mark(offset, length);
    bitmap.merge(other);
    for (const run of other.runs()) model.mark(run.offset, run.length);
    return [undefined, undefined];
  },
};

function extentOf(size: number, p: { at: number; length: number }) {
  const offset = Math.floor(p.at * size);
  // Squared, so that short extents are as likely as long ones.
  return { offset, length: Math.floor(p.length * p.length * (size - offset + 0.999)) };
}

describe("createDirtyBitmap", () => {
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
        for (const step of steps) {
          const place = { ...extentOf(size, step), granularity: step.granularity };
          const [said, truth] = actions[step.action]!(bitmap, model, place);
          expect(said).toEqual(truth);
          expect([...bitmap.runs()]).toEqual(model.runs());
          expect(bitmap.bytes).toBe(model.bytes());
        }
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
