import type { DirtySet } from "./tracking.ts";

/** A run of bytes. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/**
 * Which granules of a disk are marked. Two levels: pages of bits on demand, full pages collapsed, so memory and every
 * walk grow with what is mixed, not with the disk. Offsets and lengths are bytes; runs are whole granules, the last one
 * clipped to the disk.
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
  /** The first marked run at or behind `from`, at most `limit` bytes long; it begins at `from` if that lies inside one. */
  next(from: number, limit?: number): Run | undefined;
  runs(): Iterable<Run>;
  /** Marks all that is marked in `other`, widened to granules of ours. */
  merge(other: DirtySet): void;
  /** What is marked, as a set of its own; clears this one at the same instant. Costs no copy. */
  take(): DirtyBitmap;
}
