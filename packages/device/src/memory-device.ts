import type { BlockDevice, Segments } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { joinExtents } from "./extent-join.ts";
import { notFaster } from "./fast-zero.ts";
import { createMemoryPages } from "./memory-pages.ts";
import { segmentsLength } from "./segments-length.ts";

/** How a disk in memory begins. */
export interface MemoryDeviceOptions {
  /** Default `memory`. */
  readonly name?: string;
  /** Bytes. */
  readonly size: number;
  /**
   * What the disk is full of before the first write: a byte, or a pattern repeated from the disk's start (copied). It
   * costs no memory, and counts as allocated data. Default zero, which is not allocated.
   */
  readonly fill?: number | Uint8Array;
  readonly readOnly?: boolean;
  /** Bytes that one write makes allocated: a power of two from 512 to 1 MiB. Default 64 KiB. */
  readonly granularity?: number;
}

/** A disk in memory that costs what was written to it. Every request is done when the call returns. */
export function createMemoryDevice(options: MemoryDeviceOptions): BlockDevice {
  const { name = "memory", size, readOnly = false, granularity = 64 * 1024, fill = 0 } = options;
  const pattern = typeof fill === "number" ? Uint8Array.of(fill) : fill.slice();
  const pages = createMemoryPages(size, granularity, pattern);
  let closed = false;

  function check(offset: number, length: number): void {
    if (closed) throw new DeviceError("closed", name, "used after close()");
    checkExtent(name, size, offset, length);
  }

  function checkWrite(offset: number, length: number): void {
    check(offset, length);
    if (readOnly) throw new DeviceError("read-only", name, `write of ${length} bytes refused`, { offset });
  }

  return {
    name,
    size,
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      pages.read(offset, into);
    },
    async write(offset, data: Segments) {
      checkWrite(offset, segmentsLength(data));
      let at = offset;
      for (const segment of data) {
        pages.write(at, segment);
        at += segment.length;
      }
    },
    async zero(offset, length, { unmap = true, fast = false } = {}) {
      checkWrite(offset, length);
      // To keep storage is to have it: every page would be made, and filled.
      if (fast && !unmap) throw notFaster(name, offset, length);
      pages.zero(offset, length, unmap);
    },
    async *extents(offset, length) {
      check(offset, length);
      yield* joinExtents(pages.extents(offset, length));
    },
    async flush() {
      check(0, 0);
    },
    async close() {
      closed = true;
    },
  };
}
