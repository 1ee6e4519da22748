import type { BlockDevice, Extent, Segments, ZeroOptions } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { createDirtyBitmap } from "./dirty-bitmap.ts";
import { joinExtents } from "./extent-join.ts";
import { createExtentQueue } from "./extent-queue.ts";
import { notFaster } from "./fast-zero.ts";
import { createRequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";

/** How much is copied, and how much of zeros is written, at once. */
const STEP = 1024 * 1024;

/** The two disks of an overlay, and how they are put together. */
export interface OverlayOptions {
  /** Read where the top holds nothing; never written. Borrowed. */
  readonly base: BlockDevice;
  /** Takes every write; as large as the base. Nobody else may write it. Borrowed. */
  readonly top: BlockDevice;
  /** Default: the name of the top. */
  readonly name?: string;
  /** Bytes copied from the base, at most, before the first small write near them: a power of two, 512 to 1 MiB. Default 64 KiB. */
  readonly granularity?: number;
  /**
   * What the top holds at the start. `none` (the default): nothing, whatever its bytes are. `extents`: what its
   * `extents()` call allocated, asked at the first request; granules allocated in part are completed from the base. The
   * top's allocation is then the only record, so zeroing writes zeros instead of making holes.
   */
  readonly allocated?: "none" | "extents";
}

/**
 * A disk that shows `base` until it is written: what was written, or zeroed, is in `top`. An extent of it is allocated
 * where the top holds it; where not, the base's answer about zero stands. Closing it closes neither of the two.
 */
export function createOverlay(options: OverlayOptions): BlockDevice {
  const { base, top, name = top.name, granularity = 64 * 1024, allocated = "none" } = options;
  const { size, readOnly } = top;
  if (base.size !== size) throw new RangeError(`disk '${name}': a base of ${base.size} bytes under a top of ${size}`);
  const own = createDirtyBitmap({ size, granularity });
  const gate = createRequestGate(name);
  const queue = createExtentQueue();
  let opened: Promise<void> | undefined;

  async function open(): Promise<void> {
    if (allocated === "none") return;
    opened ??= adopt();
    return opened;
  }

  /** Makes every granule ours of which the top has allocated some, and completes it. */
  async function adopt(): Promise<void> {
    const stored = createDirtyBitmap({ size, granularity: 512 });
    // All asked before anything is copied up: what is copied is allocated too.
    for await (const extent of top.extents(0, size)) {
      if (extent.allocated) stored.mark(extent.offset, extent.length);
    }
    own.merge(stored);
    for (const run of own.runs()) {
      const end = run.offset + run.length;
      for (let at = run.offset; at < end;) {
        const next = stored.next(at, end - at);
        const gapEnd = Math.min(next?.offset ?? end, end);
        await copyUp(at, gapEnd - at);
        at = gapEnd === end ? end : gapEnd + (next?.length ?? 0);
      }
    }
  }

  /** The first part of an extent that lies wholly in the top or wholly in the base. */
  function layerAt(offset: number, length: number): { isOwn: boolean; length: number } {
    const run = own.next(offset, length);
    if (run?.offset === offset) return { isOwn: true, length: run.length };
    return { isOwn: false, length: Math.min((run?.offset ?? size) - offset, length) };
  }

  async function read(offset: number, into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length;) {
      const { isOwn, length } = layerAt(offset + at, into.length - at);
      await (isOwn ? top : base).read(offset + at, into.subarray(at, at + length));
      at += length;
    }
  }

  /** Copies up what the base holds beside an extent, in the granules that the extent covers in part. */
  async function copyEdges(offset: number, length: number): Promise<void> {
    const end = offset + length;
    const first = Math.floor(offset / granularity) * granularity;
    const last = Math.min(Math.ceil(end / granularity) * granularity, size);
    if (!own.any(offset, 1)) await copyUp(first, offset - first);
    if (!own.any(end - 1, 1)) await copyUp(end, last - end);
  }

  async function copyUp(offset: number, length: number): Promise<void> {
    if (length === 0) return;
    const buffer = new Uint8Array(length);
    await base.read(offset, buffer);
    await top.write(offset, [buffer]);
  }

  async function zeroTop(offset: number, length: number, zeroing: ZeroOptions | undefined): Promise<void> {
    if (allocated === "none") return top.zero(offset, length, zeroing);
    const zeros = new Uint8Array(Math.min(length, STEP));
    for (let at = 0; at < length; at += STEP) await top.write(offset + at, [zeros.subarray(0, length - at)]);
  }

  function check(offset: number, length: number): void {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
  }

  function checkChange(offset: number, length: number): void {
    check(offset, length);
    if (readOnly) throw new DeviceError("read-only", name, `write of ${length} bytes refused`, { offset });
  }

  async function change(offset: number, length: number, request: () => Promise<void>): Promise<void> {
    if (length === 0) return;
    // Queued by whole granules: of two writes into one granule the second must not copy up over the first.
    const first = Math.floor(offset / granularity) * granularity;
    const last = Math.ceil((offset + length) / granularity) * granularity;
    return gate.run(() =>
      queue.run(first, last - first, async () => {
        await open();
        await copyEdges(offset, length);
        await request();
        // Last: until the whole granule is in the top, the base is what it reads as.
        own.mark(offset, length);
      }),
    );
  }

  async function* layers(offset: number, length: number): AsyncGenerator<Extent, void, void> {
    for (let at = offset; at < offset + length;) {
      const layer = layerAt(at, offset + length - at);
      for await (const extent of (layer.isOwn ? top : base).extents(at, layer.length)) {
        yield { offset: extent.offset, length: extent.length, zero: extent.zero, allocated: layer.isOwn };
      }
      at += layer.length;
    }
  }

  return {
    name,
    size,
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      return gate.run(async () => {
        await open();
        await read(offset, into);
      });
    },
    async write(offset, data: Segments) {
      const length = segmentsLength(data);
      checkChange(offset, length);
      return change(offset, length, () => top.write(offset, data));
    },
    async zero(offset, length, zeroing) {
      checkChange(offset, length);
      // Before the edges are copied up, in vain.
      if (zeroing?.fast && allocated === "extents") throw notFaster(name, offset, length);
      return change(offset, length, () => zeroTop(offset, length, zeroing));
    },
    async *extents(offset, length) {
      check(offset, length);
      await gate.run(open);
      yield* joinExtents(layers(offset, length));
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => top.flush());
    },
    close: () => gate.close(),
  };
}
