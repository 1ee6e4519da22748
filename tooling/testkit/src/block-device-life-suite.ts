import { describe, expect, it } from "vitest";

import { collect, patternOf, readAll } from "./block-device-model.ts";
import { type DiskUnderTest, type OpensAgain, useDisk } from "./disk-under-test.ts";
import { sameBytes } from "./same-bytes.ts";

const SLOW_DISK_MS = 60_000;

/** The part of the contract that says what a disk refuses, and how it ends. */
export function describeBlockDeviceLife(
  name: string,
  sizes: readonly number[],
  factory: (size: number) => Promise<DiskUnderTest>,
  opensAgain: readonly OpensAgain[],
): void {
  describe.each(sizes)(`${name} of %i bytes, its life`, { timeout: SLOW_DISK_MS }, (size) => {
    const held = useDisk(() => factory(size));

    it("refuses a request that leaves the disk, before anything is written", async () => {
      const before = await readAll(held.device);
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
        await expect(held.device.read(offset, bytes)).rejects.toBeInstanceOf(RangeError);
        await expect(held.device.write(offset, [bytes])).rejects.toBeInstanceOf(RangeError);
        await expect(held.device.zero(offset, length)).rejects.toBeInstanceOf(RangeError);
        await expect(collect(held.device.extents(offset, length))).rejects.toBeInstanceOf(RangeError);
      }
      await expect(held.device.zero(0, -1)).rejects.toBeInstanceOf(RangeError);
      await expect(held.device.zero(0, 0.5)).rejects.toBeInstanceOf(RangeError);
      expect(sameBytes(await readAll(held.device), before)).toBe(true);
    });

    it("closes once however often it is told, after the requests under way", async () => {
      const write = held.device.write(0, [patternOf(size, 19)]);
      await Promise.all([held.device.close(), held.device.close(), write]);
      await held.device.close();
      const requests = [
        () => held.device.read(0, new Uint8Array(1)),
        () => held.device.write(0, [new Uint8Array(1)]),
        () => held.device.zero(0, 1),
        () => held.device.flush(),
        () => collect(held.device.extents(0, 1)),
      ];
      for (const request of requests) {
        await expect(request()).rejects.toMatchObject({
          name: "DeviceError",
          code: "closed",
          device: held.device.name,
        });
      }
    });

    if (opensAgain.includes("writable"))
      it("holds what was written when it is opened again", async () => {
        await held.device.write(0, [patternOf(size, 23)]);
        await held.device.flush();
        await held.device.close();
        held.device = await held.disk.reopen!();
        expect(held.device.size).toBe(size);
        expect(sameBytes(await readAll(held.device), patternOf(size, 23))).toBe(true);
      });

    if (opensAgain.includes("read-only"))
      it("refuses to write when it is read-only, and reads", async () => {
        await held.device.write(0, [patternOf(size, 29)]);
        await held.device.close();
        held.device = await held.disk.reopenReadOnly!();
        expect(held.device.readOnly).toBe(true);
        await expect(held.device.write(0, [new Uint8Array(1)])).rejects.toMatchObject({ code: "read-only" });
        await expect(held.device.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
        expect(sameBytes(await readAll(held.device), patternOf(size, 29))).toBe(true);
      });
  });
}
