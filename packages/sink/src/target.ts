import {
  type BlockDevice,
  createDirtyBitmap,
  createExtentQueue,
  type DirtyBitmap,
  type ExtentQueue,
} from "@blkmig/device";
import { BLOCK_SIZE } from "@blkmig/protocol";

import type { SinkDisk } from "./load-options.ts";

/** One disk that is being loaded. */
export interface Target {
  readonly name: string;
  readonly device: BlockDevice;
  /** Which blocks have landed at least once. */
  readonly covered: DirtyBitmap;
  /** On a wire without acknowledgements a newer copy may come while an older one is being written. */
  readonly order: ExtentQueue;
  dataBytes: number;
  zeroBytes: number;
}

export function createTarget({ name, device }: SinkDisk): Target {
  const covered = createDirtyBitmap({ size: device.size, granularity: BLOCK_SIZE });
  return { name, device, covered, order: createExtentQueue(), dataBytes: 0, zeroBytes: 0 };
}

/** Lands a block, its part behind the disk's end left out. Borrows `data` until it settles. */
export function landBlock(target: Target, offset: number, data: Uint8Array): Promise<void> {
  const { device, covered, order } = target;
  const length = Math.min(data.length, device.size - offset);
  return order.run(offset, length, async () => {
    await device.write(offset, [data.subarray(0, length)]);
    covered.mark(offset, length);
    target.dataBytes += length;
  });
}

/** Lands zeroes. What the disk itself knows to be zero is left alone; it is asked when nothing under way overlaps. */
export function landZeroes(target: Target, offset: number, length: number): Promise<void> {
  const { device, covered, order } = target;
  return order.run(offset, length, async () => {
    for await (const extent of device.extents(offset, length)) {
      if (!extent.zero) await device.zero(extent.offset, extent.length);
    }
    covered.mark(offset, length);
    target.zeroBytes += length;
  });
}

/** What has not landed, for a person: `'vda' 483 of 512 blocks, the first at 30408704`; undefined if all has. */
export function missingBlocks({ name, device, covered }: Target): string | undefined {
  if (covered.bytes === device.size) return undefined;
  const all = Math.ceil(device.size / BLOCK_SIZE);
  let landed = 0;
  let first = 0;
  for (const { offset, length } of covered.runs()) {
    if (offset === first) first = offset + length;
    landed += Math.ceil(length / BLOCK_SIZE);
  }
  return `'${name}' ${all - landed} of ${all} blocks, the first at ${first}`;
}
