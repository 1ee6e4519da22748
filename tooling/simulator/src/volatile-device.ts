import { type BlockDevice, createMemoryDevice, type MemoryDeviceOptions } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

/** A disk whose cache is lost with the power: any part of what was written since the last flush. */
export interface VolatileDevice extends BlockDevice {
  losePower(random: SeededRandom): Promise<void>;
}

interface Landed {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export function createVolatileDevice(options: MemoryDeviceOptions): VolatileDevice {
  const seen = createMemoryDevice(options);
  const stable = createMemoryDevice(options);
  let cache: Landed[] = [];

  const land = async (offset: number, bytes: Uint8Array): Promise<void> => {
    await seen.write(offset, [bytes]);
    cache.push({ offset, bytes });
  };

  return {
    ...seen,
    extents: (offset, length) => seen.extents(offset, length),
    write: (offset, data) => land(offset, Buffer.concat(data)),
    async zero(offset, length, zeroing) {
      await seen.zero(offset, length, zeroing);
      cache.push({ offset, bytes: Buffer.alloc(length) });
    },
    async flush() {
      const flushed = cache;
      cache = [];
      for (const { offset, bytes } of flushed) await stable.write(offset, [bytes]);
    },
    async losePower(random) {
      const kept = cache.filter(() => random.int(2) === 0);
      cache = [];
      for (const { offset, bytes } of kept) await stable.write(offset, [bytes]);
      const all = Buffer.alloc(seen.size);
      await stable.read(0, all);
      await seen.write(0, [all]);
    },
  };
}
