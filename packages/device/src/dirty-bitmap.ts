import { checkExtent } from "./check-extent.ts";
import { countOf, fillTree, reachOf, seekTree, type DirtyTree } from "./dirty-tree.ts";
import type { DirtySet } from "./tracking.ts";

/** A run of bytes. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/**
 * Which granules of a disk are marked. Pages of bits on demand below, full and clear regions collapsed above, so memory
 * and every walk grow with what is mixed, not with the disk. Offsets and lengths are bytes; runs are whole granules, the
 * last one clipped to the disk. An extent outside the disk is a `RangeError`.
 */
export interface DirtyBitmap extends DirtySet {
  readonly size: number;
  readonly granularity: number;
  /** Marked bytes, the short last granule counted as short. */
  readonly bytes: number;
  /** Marks every granule that the extent touches. */
  mark(offset: number, length: number): void;
  /** Marks the whole disk. */
  markAll(): void;
  /** Clears every granule that lies wholly inside the extent (the short last one counts as whole to the disk's end). */
  clear(offset: number, length: number): void;
  clearAll(): void;
  /** Whether any granule that the extent touches is marked. */
  any(offset: number, length: number): boolean;
  /** Whether every granule that the extent touches is marked. */
  all(offset: number, length: number): boolean;
  /**
   * The first marked run at or behind `from`, at most `limit` bytes long; it begins at `from` if that lies inside one.
   * (So a `from` or a `limit` that is no multiple of the granularity cuts a granule.) A `from` behind the disk finds none.
   */
  next(from: number, limit?: number): Run | undefined;
  /** Every marked run. What changes behind the walk is not seen, what changes before it is. */
  runs(): Iterable<Run>;
  /** Marks all that is marked in `other`, widened to granules of ours. */
  merge(other: DirtySet): void;
  /** What is marked, as a set of its own; clears this one at the same instant. Costs no copy. */
  take(): DirtyBitmap;
}

/** A bitmap with nothing marked. `granularity` is a power of two from 512 to 1 MiB; `size` may be any number of bytes. */
export function createDirtyBitmap(options: { readonly size: number; readonly granularity: number }): DirtyBitmap {
  const { size, granularity } = options;
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a disk of ${size} bytes is none`);
  if (!isGranularity(granularity)) {
    throw new RangeError(`granularity ${granularity} is not a power of two from 512 to 1048576`);
  }
  return createOver(size, granularity, "clear");
}

function isGranularity(value: number): boolean {
  return value >= 512 && value <= 1024 * 1024 && Number.isInteger(Math.log2(value));
}

function createOver(size: number, granularity: number, marks: DirtyTree): DirtyBitmap {
  const reach = reachOf(Math.ceil(size / granularity));
  const { granules } = reach;
  let tree = marks;

  function bytesMarked(): number {
    const lastIsMarked = granules > 0 && seekTree(tree, reach, granules - 1, true) < granules;
    return countOf(tree, reach) * granularity - (lastIsMarked ? granules * granularity - size : 0);
  }

  /** The granules that an extent touches. */
  function touched(offset: number, length: number): { from: number; to: number } {
    checkExtent("dirty bitmap", size, offset, length);
    const from = Math.floor(offset / granularity);
    return { from, to: length === 0 ? from : Math.ceil((offset + length) / granularity) };
  }

  function mark(offset: number, length: number): void {
    const { from, to } = touched(offset, length);
    tree = fillTree(tree, reach, from, to, true);
  }

  function next(from: number, limit: number = Infinity): Run | undefined {
    if (!(from >= 0 && limit > 0)) throw new RangeError(`no run of at most ${limit} bytes can be sought from ${from}`);
    // Asked before the tree, whose short last granule reaches behind the disk's end.
    if (from >= size) return undefined;
    const first = seekTree(tree, reach, Math.floor(from / granularity), true);
    if (first === granules) return undefined;
    const offset = Math.max(from, first * granularity);
    const end = Math.min(seekTree(tree, reach, first, false) * granularity, size);
    return { offset, length: Math.min(end - offset, limit) };
  }

  function* runs(): Generator<Run, void, void> {
    for (let run = next(0); run !== undefined; run = next(run.offset + run.length)) yield run;
  }

  return {
    size,
    granularity,
    get bytes() {
      return bytesMarked();
    },
    mark,
    markAll() {
      tree = fillTree(tree, reach, 0, granules, true);
    },
    clear(offset, length) {
      checkExtent("dirty bitmap", size, offset, length);
      const end = offset + length;
      const to = end === size ? granules : Math.floor(end / granularity);
      tree = fillTree(tree, reach, Math.ceil(offset / granularity), to, false);
    },
    clearAll() {
      tree = "clear";
    },
    any(offset, length) {
      const { from, to } = touched(offset, length);
      return seekTree(tree, reach, from, true) < to;
    },
    all(offset, length) {
      const { from, to } = touched(offset, length);
      return seekTree(tree, reach, from, false) >= to;
    },
    next,
    runs,
    merge(other) {
      for (const run of other.runs()) mark(run.offset, run.length);
    },
    take() {
      const taken = createOver(size, granularity, tree);
      tree = "clear";
      return taken;
    },
  };
}
