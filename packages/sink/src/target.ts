import {
  type BlockDevice,
  createDirtyBitmap,
  createExtentQueue,
  type DirtyBitmap,
  type ExtentQueue,
} from "@blkmig/device/memory";
import { BLOCK_SIZE } from "@blkmig/protocol";

import { clearTouched, markWhole } from "./granules.ts";
import type { SinkDisk } from "./load-options.ts";

/** So much of a hole is one request: a disk that has to write its zeroes is not busy for minutes with one of them. */
const ZERO_PIECE = 256 * 1024 * 1024;

/** One disk that is being loaded. */
export interface Target {
  readonly name: string;
  readonly device: BlockDevice;
  /** Which granules have landed at least once, as a whole. */
  readonly covered: DirtyBitmap;
  /** Which were read back and found equal since they were last written. */
  readonly verified: DirtyBitmap;
  /** A newer copy may come while an older one is being written. */
  readonly order: ExtentQueue;
  dataBytes: number;
  zeroBytes: number;
  /** Bytes that were found equal by their hashes. */
  equalBytes: number;
}

/** `granularity`: bytes, the grain of coverage; the classic wires' block unless told. */
export function createTarget({ name, device }: SinkDisk, granularity: number = BLOCK_SIZE): Target {
  const { size } = device;
  const covered = createDirtyBitmap({ size, granularity });
  const verified = createDirtyBitmap({ size, granularity });
  const order = createExtentQueue();
  return { name, device, covered, verified, order, dataBytes: 0, zeroBytes: 0, equalBytes: 0 };
}

/** Lands data, its part behind the disk's end left out. Borrows `data` until it settles. */
export function landData(target: Target, offset: number, data: Uint8Array): Promise<void> {
  const { device, covered, verified, order } = target;
  const length = Math.min(data.length, device.size - offset);
  return order.run(offset, length, async () => {
    clearTouched(verified, offset, length); // before the write: one that fails half-way is not verified either
    await device.write(offset, [data.subarray(0, length)]);
    markWhole(covered, offset, length);
    target.dataBytes += length;
  });
}

/**
 * Lands zeroes. What the disk itself knows to be zero is left alone; it is asked when nothing under way overlaps. `check`
 * throws where a long hole is to end early: then nothing of it is covered.
 */
export function landZeroes(target: Target, offset: number, length: number, check?: () => void): Promise<void> {
  const { device, covered, verified, order } = target;
  return order.run(offset, length, async () => {
    clearTouched(verified, offset, length);
    for (let at = offset; at < offset + length; at += ZERO_PIECE) {
      const piece = Math.min(ZERO_PIECE, offset + length - at);
      for await (const extent of device.extents(at, piece)) {
        check?.();
        if (!extent.zero) await device.zero(extent.offset, extent.length);
      }
    }
    markWhole(covered, offset, length);
    target.zeroBytes += length;
  });
}

/** What has not landed, for a person: `'vda' 483 of 512 blocks, the first at 30408704`; undefined if all has. */
export function missingBlocks({ name, device, covered }: Target): string | undefined {
  if (covered.bytes === device.size) return undefined;
  const { granularity } = covered;
  const all = Math.ceil(device.size / granularity);
  let landed = 0;
  let first = 0;
  for (const { offset, length } of covered.runs()) {
    if (offset === first) first = offset + length;
    landed += Math.ceil(length / granularity);
  }
  const unit = granularity === BLOCK_SIZE ? "blocks" : `granules of ${granularity} bytes`;
  return `'${name}' ${all - landed} of ${all} ${unit}, the first at ${first}`;
}
