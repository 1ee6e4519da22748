import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { describeBlockDeviceLife } from "./block-device-life-suite.ts";
import { collect, cut, diskSteps, judgeExtents, patternOf, performStep, readAll } from "./block-device-model.ts";
import { type DiskUnderTest, type OpensAgain, useDisk } from "./disk-under-test.ts";
import { sameBytes } from "./same-bytes.ts";

const MiB = 1024 * 1024;
const SIZES = [512, 4096, MiB - 512, MiB + 512, 3 * MiB + 512];
const SLOW_DISK_MS = 60_000;

/** The contract of `BlockDevice`, as tests: run it against every implementation. `opensAgain`: what outlives a close. */
export function describeBlockDevice(
  name: string,
  factory: (size: number) => Promise<DiskUnderTest>,
  opensAgain: readonly OpensAgain[] = [],
): void {
  describeBlockDeviceLife(name, SIZES, factory, opensAgain);

  describe.each(SIZES)(`${name} of %i bytes`, { timeout: SLOW_DISK_MS }, (size) => {
    const held = useDisk(() => factory(size));

    it("has a name and the size asked for", () => {
      expect(held.device.name).not.toBe("");
      expect([held.device.size, held.device.readOnly]).toEqual([size, false]);
    });

    it("fills all of `into`, and nothing beside it", async () => {
      const content = patternOf(size, 3);
      await held.device.write(0, [content]);
      const around = new Uint8Array(size + 20).fill(0xa5);
      await held.device.read(0, around.subarray(10, 10 + size));
      expect(sameBytes(around.subarray(10, 10 + size), content)).toBe(true);
      expect([...around.subarray(0, 10), ...around.subarray(10 + size)]).toEqual(
        Array.from({ length: 20 }, () => 0xa5),
      );
    });

    it("writes thousands of segments, empty ones among them, one after the other", async () => {
      const content = patternOf(size, 5);
      const segments = Array.from({ length: 500 }, (_, at) => content.subarray(at, at + 1));
      segments.splice(250, 0, ...Array.from({ length: 2500 }, () => new Uint8Array(0)));
      await held.device.write(0, [...segments, content.subarray(500), new Uint8Array(0)]);
      expect(sameBytes(await readAll(held.device), content)).toBe(true);
    });

    it("borrows bytes until it settles, and no longer", async () => {
      const written = patternOf(size, 7);
      await held.device.write(0, [written]);
      written.fill(0xff);
      const into = await readAll(held.device);
      expect(sameBytes(into, patternOf(size, 7))).toBe(true);
      into.fill(0xee);
      await held.device.write(0, [patternOf(size, 8)]);
      await held.device.flush();
      expect(into.every((byte) => byte === 0xee)).toBe(true);
    });

    it("takes empty requests, at the very end too", async () => {
      const before = await readAll(held.device);
      for (const offset of [0, 1, size]) {
        await held.device.read(offset, new Uint8Array(0));
        await held.device.write(offset, []);
        await held.device.write(offset, [new Uint8Array(0)]);
        await held.device.zero(offset, 0);
        expect(await collect(held.device.extents(offset, 0))).toEqual([]);
      }
      expect(sameBytes(await readAll(held.device), before)).toBe(true);
    });

    it("reads, writes and zeroes as plain memory does, whatever the order", async () => {
      await fc.assert(
        fc.asyncProperty(diskSteps, async (steps) => {
          const model = await readAll(held.device);
          for (const step of steps) {
            const { said, truth } = await performStep(held.device, model, step);
            expect(said).toEqual(truth);
          }
          expect(sameBytes(await readAll(held.device), model)).toBe(true);
        }),
        { numRuns: 25 },
      );
    });

    it.each([
      { unmap: true, offset: 0, tail: 0 },
      { unmap: false, offset: 0, tail: 0 },
      { unmap: true, offset: 13, tail: 7 },
      { unmap: false, offset: 13, tail: 7 },
      { unmap: true, offset: 128, tail: 256 },
    ])("zeroes what it is told and nothing beside it: $unmap, $offset, $tail", async ({ unmap, offset, tail }) => {
      const model = patternOf(size, 11);
      await held.device.write(0, [model]);
      await held.device.zero(offset, size - offset - tail, { unmap });
      model.fill(0, offset, size - tail);
      expect(sameBytes(await readAll(held.device), model)).toBe(true);
    });

    it.each([{ unmap: true }, { unmap: false }])(
      "zeroes fast, or says that it cannot, and changes nothing: $unmap",
      async ({ unmap }) => {
        const model = patternOf(size, 31);
        await held.device.write(0, [model]);
        try {
          await held.device.zero(5, size - 9, { unmap, fast: true });
          model.fill(0, 5, size - 4);
        } catch (error) {
          expect(error).toMatchObject({ name: "DeviceError", code: "not-supported" });
        }
        expect(sameBytes(await readAll(held.device), model)).toBe(true);
      },
    );

    it("says extents in order, without gaps, clipped, and calls zero only what is", async () => {
      const model = patternOf(size, 13).fill(1);
      await held.device.write(0, [model]);
      const third = Math.floor(size / 3);
      await held.device.zero(third, third);
      model.fill(0, third, 2 * third);
      for (const [offset, length] of [
        [0, size],
        [1, size - 2],
        [third, third],
        [third - 1, 3],
        [size - 1, 1],
      ] as const) {
        expect(judgeExtents(await collect(held.device.extents(offset, length)), offset, length, model)).toEqual([]);
      }
    });

    it("keeps parallel writes and zeroes apart, in one sector too", async () => {
      const model = patternOf(size, 17);
      await held.device.write(0, [model]);
      const piece = Math.max(37, Math.floor(size / 41));
      const requests: Promise<void>[] = [];
      for (let at = 0, nth = 0; at + piece <= size; at += piece, nth++) {
        const data = patternOf(piece, nth);
        const isZero = nth % 3 === 0;
        requests.push(isZero ? held.device.zero(at, piece) : held.device.write(at, cut(data, nth)));
        if (isZero) model.fill(0, at, at + piece);
        else model.set(data, at);
      }
      await Promise.all(requests);
      expect(sameBytes(await readAll(held.device), model)).toBe(true);
    });
  });
}
