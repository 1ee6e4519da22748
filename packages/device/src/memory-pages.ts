import type { Extent } from "./block-device.ts";
import { createDirtyBitmap } from "./dirty-bitmap.ts";

/** The bytes of a disk in pages that exist only where something was written. Bounds are the caller's. */
export interface MemoryPages {
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
  zero(offset: number, length: number, unmap: boolean): void;
  extents(offset: number, length: number): Iterable<Extent>;
}

/**
 * Pages of `granularity` bytes. Where none is stored the disk is zero, or the `fill` pattern, repeated from the disk's
 * start, for as long as nothing was written there. Neither costs memory.
 */
export function createMemoryPages(size: number, granularity: number, fill: Uint8Array): MemoryPages {
  const pages = new Map<number, Uint8Array>();
  // Every byte of the disk is one of three: stored, blank (zero without storage), or in neither: the fill.
  const stored = createDirtyBitmap({ size, granularity });
  const blank = createDirtyBitmap({ size, granularity });
  if (fill.every((byte) => byte === 0)) blank.markAll();

  function readFill(offset: number, into: Uint8Array): void {
    if (fill.length === 1) return void into.fill(fill[0] ?? 0);
    for (let at = 0; at < into.length; at++) into[at] = fill[(offset + at) % fill.length] ?? 0;
  }

  /** The page that holds the byte at `offset`, stored from now on. */
  function store(offset: number): Uint8Array {
    const index = Math.floor(offset / granularity);
    const known = pages.get(index);
    if (known !== undefined) return known;
    const page = new Uint8Array(granularity);
    const start = index * granularity;
    if (!blank.any(start, 1)) readFill(start, page);
    pages.set(index, page);
    stored.mark(start, 1);
    blank.clear(start, Math.min(granularity, size - start));
    return page;
  }

  /** Calls `visit` for each part of the extent that lies in one page. */
  function split(offset: number, length: number, visit: (offset: number, length: number) => void): void {
    for (let at = offset; at < offset + length;) {
      const part = Math.min(granularity - (at % granularity), offset + length - at);
      visit(at, part);
      at += part;
    }
  }

  function write(offset: number, data: Uint8Array): void {
    split(offset, data.length, (at, length) => {
      store(at).set(data.subarray(at - offset, at - offset + length), at % granularity);
    });
  }

  function fillWithZero(offset: number, length: number, unmap: boolean): void {
    split(offset, length, (at, part) => {
      if (!(unmap && blank.any(at, part))) store(at).fill(0, at % granularity, (at % granularity) + part);
    });
  }

  /** Drops whole pages without a walk over those that are not stored. */
  function drop(offset: number, length: number): void {
    for (
      let run = stored.next(offset);
      run !== undefined && run.offset < offset + length;
      run = stored.next(run.offset + 1)
    ) {
      pages.delete(Math.floor(run.offset / granularity));
      stored.clear(run.offset, Math.min(granularity, size - run.offset));
    }
    blank.mark(offset, length);
  }

  /** What begins at `offset`, at most `limit` bytes of it. */
  function extentAt(offset: number, limit: number): Extent {
    const page = stored.next(offset, limit);
    if (page?.offset === offset) return { ...page, zero: false, allocated: true };
    const hole = blank.next(offset, limit);
    if (hole?.offset === offset) return { ...hole, zero: true, allocated: false };
    // The fill stands for bytes that a disk would have stored: garbage is allocated.
    const end = Math.min(page?.offset ?? size, hole?.offset ?? size, offset + limit);
    return { offset, length: end - offset, zero: false, allocated: true };
  }

  function* extents(offset: number, length: number): Generator<Extent, void, void> {
    for (let at = offset; at < offset + length;) {
      const extent = extentAt(at, offset + length - at);
      yield extent;
      at += extent.length;
    }
  }

  function readStored(offset: number, into: Uint8Array): void {
    split(offset, into.length, (at, length) => {
      const part = into.subarray(at - offset, at - offset + length);
      const page = pages.get(Math.floor(at / granularity));
      if (page === undefined) readFill(at, part);
      else part.set(page.subarray(at % granularity, (at % granularity) + length));
    });
  }

  return {
    read(offset, into) {
      for (const extent of extents(offset, into.length)) {
        const part = into.subarray(extent.offset - offset, extent.offset - offset + extent.length);
        if (extent.zero) part.fill(0);
        else readStored(extent.offset, part);
      }
    },
    write,
    zero(offset, length, unmap) {
      const end = offset + length;
      const first = Math.ceil(offset / granularity) * granularity;
      const last = end === size ? end : Math.floor(end / granularity) * granularity;
      if (!unmap || first >= last) return fillWithZero(offset, length, unmap);
      fillWithZero(offset, first - offset, unmap);
      drop(first, last - first);
      fillWithZero(last, end - last, unmap);
    },
    extents,
  };
}
