import { createRandom, createWritingGuest, withFaults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";

const GRANULARITY = 4096;

describe("the law of the copy", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "what is cleared, then read, and marked again, ends as the source is: seed %i",
    async (seed) => {
      const random = createRandom(seed);
      const turns = async () => {
        for (let nth = random.int(6); nth > 0; nth--) await Promise.resolve();
      };
      const size = 64 * 1024;
      const source = createMemoryDevice({ size, granularity: 512 });
      const target = createMemoryDevice({ size, fill: 0xee });
      const slow = withFaults(source, {
        latency: turns,
        failWrite: () => (random.int(10) === 0 ? new Error("torn") : undefined),
        torn: true,
      });
      const { guest, disk, tracker, control } = trackWrites(slow, { granularity: GRANULARITY });
      const writer = createWritingGuest({ device: guest, random });

      const copy = async (runs: Iterable<{ offset: number; length: number }>) => {
        for (const { offset, length } of runs) {
          const bytes = new Uint8Array(length);
          await disk.read(offset, bytes);
          await target.write(offset, [bytes]);
        }
      };
      await tracker.start();
      const writing = new Set<Promise<void>>();
      const writeSome = () => {
        for (let nth = 0; nth < 4; nth++) writing.add(writer.step().catch(() => {}));
      };
      writeSome();
      await copy([{ offset: 0, length: size }]);
      for (let pass = 0; pass < 20; pass++) {
        writeSome();
        const [set] = await tracker.sync();
        await copy(set!.runs());
      }
      writeSome();
      await turns();
      await control.pause();
      const [last] = await tracker.sync();
      await copy(last!.runs());
      const [truth, copied] = [new Uint8Array(size), new Uint8Array(size)];
      await source.read(0, truth);
      await target.read(0, copied);
      expect(Buffer.compare(truth, copied)).toBe(0);
      await control.resume();
      await Promise.all(writing);
      expect(await writer.verify(source)).toEqual([]);
    },
  );
});
