import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";

import {
  collect,
  cut,
  diskSteps,
  judgeExtents,
  patternOf,
  performStep,
  readAll,
  sameBytes,
} from "./block-device-model.ts";
import type { BlockDeviceShape } from "./block-device-shape.ts";

const MiB = 1024 * 1024;
const SIZES = [512, 4096, MiB - 512, MiB + 512, 3 * MiB + 512];
const SLOW_DISK_MS = 60_000;

/** A disk for one test. */
export interface DiskUnderTest {
  /** Writable, of the size asked for, full of anything. */
  readonly device: BlockDeviceShape;
  /** The same disk, opened again after `device` was closed. Where there is one, what was written must be there. */
  reopen?(): Promise<BlockDeviceShape>;
  /** The same disk, opened again, read-only. */
  reopenReadOnly?(): Promise<BlockDeviceShape>;
  /** Lets everything go. The suite has closed every device it was given. */
  cleanup(): Promise<void>;
}

/** The contract of `BlockDevice`, as tests: run it against every implementation. */
export function describeBlockDevice(name: string, factory: (size: number) => Promise<DiskUnderTest>): void {
  describe.each(SIZES)(`${name} of %i bytes`, { timeout: SLOW_DISK_MS }, (size) => {
    let disk: DiskUnderTest;
    let device: BlockDeviceShape;

    beforeEach(async () => {
      disk = await factory(size);
      device = disk.device;
    });
    afterEach(async () => {
      await device.close();
      await disk.cleanup();
    });

    it("has a name and the size asked for", () => {
      expect(device.name).not.toBe("");
      expect([device.size, device.readOnly]).toEqual([size, false]);
    });

    it("fills all of `into`, and nothing beside it", async () => {
      const content = patternOf(size, 3);
      await device.write(0, [content]);
      const around = new Uint8Array(size + 20).fill(0xa5);
      await device.read(0, around.subarray(10, 10 + size));
      expect(sameBytes(around.subarray(10, 10 + size), content)).toBe(true);
      expect([...around.subarray(0, 10), ...around.subarray(10 + size)]).toEqual(
        Array.from({ length: 20 }, () => 0xa5),
      );
    });

    it("writes thousands of segments, empty ones among them, one after the other", async () => {
      const content = patternOf(size, 5);
      const segments = Array.from({ length: 500 }, (_, at) => content.subarray(at, at + 1));
      segments.splice(250, 0, ...Array.from({ length: 2500 }, () => new Uint8Array(0)));
      await device.write(0, [...segments, content.subarray(500), new Uint8Array(0)]);
      expect(sameBytes(await readAll(device), content)).toBe(true);
    });

    it("borrows bytes until it settles, and no longer", async () => {
      const written = patternOf(size, 7);
      await device.write(0, [written]);
      written.fill(0xff);
      const into = await readAll(device);
      expect(sameBytes(into, patternOf(size, 7))).toBe(true);
      into.fill(0xee);
      await device.write(0, [patternOf(size, 8)]);
      await device.flush();
      expect(into.every((byte) => byte === 0xee)).toBe(true);
    });

    it("takes empty requests, at the very end too", async () => {
      const before = await readAll(device);
      for (const offset of [0, 1, size]) {
        await device.read(offset, new Uint8Array(0));
        await device.write(offset, []);
        await device.write(offset, [new Uint8Array(0)]);
        await device.zero(offset, 0);
        expect(await collect(device.extents(offset, 0))).toEqual([]);
      }
      expect(sameBytes(await readAll(device), before)).toBe(true);
    });

    it("reads, writes and zeroes as plain memory does, whatever the order", async () => {
      await fc.assert(
        fc.asyncProperty(diskSteps, async (steps) => {
          const model = await readAll(device);
          for (const step of steps) {
            const { said, truth } = await performStep(device, model, step);
            expect(said).toEqual(truth);
          }
          expect(sameBytes(await readAll(device), model)).toBe(true);
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
      await device.write(0, [model]);
      await device.zero(offset, size - offset - tail, { unmap });
      model.fill(0, offset, size - tail);
      expect(sameBytes(await readAll(device), model)).toBe(true);
    });

    it("says extents in order, without gaps, clipped, and calls zero only what is", async () => {
      const model = patternOf(size, 13).fill(1);
      await device.write(0, [model]);
      const third = Math.floor(size / 3);
      await device.zero(third, third);
      model.fill(0, third, 2 * third);
      for (const [offset, length] of [
        [0, size],
        [1, size - 2],
        [third, third],
        [third - 1, 3],
        [size - 1, 1],
      ] as const) {
        expect(judgeExtents(await collect(device.extents(offset, length)), offset, length, model)).toEqual([]);
      }
    });

    it("refuses a request that leaves the disk, before anything is written", async () => {
      const before = await readAll(device);
      for (const [offset, length] of [
        [size, 1],
        [size - 1, 2],
        [0, size + 1],
        [-1, 1],
        [0.5, 1],
        [2 ** 53, 1],
        [Number.NaN, 1],
      ] as const) {
        const bytes = new Uint8Array(length).fill(0x77);
        await expect(device.read(offset, bytes)).rejects.toBeInstanceOf(RangeError);
        await expect(device.write(offset, [bytes])).rejects.toBeInstanceOf(RangeError);
        await expect(device.zero(offset, length)).rejects.toBeInstanceOf(RangeError);
        await expect(collect(device.extents(offset, length))).rejects.toBeInstanceOf(RangeError);
      }
      await expect(device.zero(0, -1)).rejects.toBeInstanceOf(RangeError);
      await expect(device.zero(0, 0.5)).rejects.toBeInstanceOf(RangeError);
      expect(sameBytes(await readAll(device), before)).toBe(true);
    });

    it("keeps parallel writes and zeroes apart, in one sector too", async () => {
      const model = patternOf(size, 17);
      await device.write(0, [model]);
      const piece = Math.max(37, Math.floor(size / 41));
      const requests: Promise<void>[] = [];
      for (let at = 0, nth = 0; at + piece <= size; at += piece, nth++) {
        const data = patternOf(piece, nth);
        const isZero = nth % 3 === 0;
        requests.push(isZero ? device.zero(at, piece) : device.write(at, cut(data, nth)));
        if (isZero) model.fill(0, at, at + piece);
        else model.set(data, at);
      }
      await Promise.all(requests);
      expect(sameBytes(await readAll(device), model)).toBe(true);
    });

    it("closes once however often it is told, after the requests under way", async () => {
      const write = device.write(0, [patternOf(size, 19)]);
      await Promise.all([device.close(), device.close(), write]);
      await device.close();
      const requests = [
        () => device.read(0, new Uint8Array(1)),
        () => device.write(0, [new Uint8Array(1)]),
        () => device.zero(0, 1),
        () => device.flush(),
        () => collect(device.extents(0, 1)),
      ];
      for (const request of requests) {
        await expect(request()).rejects.toMatchObject({ name: "DeviceError", code: "closed", device: device.name });
      }
    });

    it("holds what was written when it is opened again", async (context: TestContext) => {
      if (disk.reopen === undefined) context.skip("it cannot be opened again");
      await device.write(0, [patternOf(size, 23)]);
      await device.flush();
      await device.close();
      device = await disk.reopen();
      expect(device.size).toBe(size);
      expect(sameBytes(await readAll(device), patternOf(size, 23))).toBe(true);
    });

    it("refuses to write when it is read-only, and reads", async (context: TestContext) => {
      if (disk.reopenReadOnly === undefined) context.skip("it cannot be opened read-only");
      await device.write(0, [patternOf(size, 29)]);
      await device.close();
      device = await disk.reopenReadOnly();
      expect(device.readOnly).toBe(true);
      await expect(device.write(0, [new Uint8Array(1)])).rejects.toMatchObject({ code: "read-only" });
      await expect(device.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
      expect(sameBytes(await readAll(device), patternOf(size, 29))).toBe(true);
    });
  });
}
