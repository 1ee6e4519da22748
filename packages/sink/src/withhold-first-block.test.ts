import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { createRandom, describeBlockDevice } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { withholdFirstBlock } from "./withhold-first-block.ts";

const KiB = 1024;
const SIZE = 256 * KiB;
const LENGTH = 96 * KiB;

const content = async (device: BlockDevice): Promise<Buffer> => {
  const bytes = Buffer.alloc(device.size);
  await device.read(0, bytes);
  return bytes;
};

function createUnderTest(length?: number) {
  const disk = createMemoryDevice({ size: SIZE, fill: 0xe5 });
  const steps: string[] = [];
  const saved: Uint8Array[] = [];
  const recorded: BlockDevice = {
    ...disk,
    extents: disk.extents.bind(disk),
    write: async (offset, data) => {
      steps.push(`write ${offset / KiB}`);
      await disk.write(offset, data);
    },
    zero: async (offset, bytes) => {
      steps.push(`zero ${offset / KiB}+${bytes / KiB}`);
      await disk.zero(offset, bytes);
    },
    flush: async () => void steps.push("flush"),
  };
  const save = async (bytes: Uint8Array): Promise<void> => void saved.push(bytes.slice());
  return { disk, steps, saved, ...withholdFirstBlock(recorded, { save, ...(length === undefined ? {} : { length }) }) };
}

describe("a withheld first block", () => {
  test("leaves the disk, durably, before anything else is written", async () => {
    const { device, steps, disk } = createUnderTest(LENGTH);
    await device.write(200 * KiB, [Buffer.alloc(KiB, 1)]);
    expect(steps).toEqual(["zero 0+96", "flush", "write 200"]);
    expect((await content(disk)).subarray(0, LENGTH).every((byte) => byte === 0)).toBe(true);
    expect((await content(device)).subarray(0, LENGTH).every((byte) => byte === 0xe5)).toBe(true);
  });

  test("is seen by whoever writes it, and reaches the disk only by release()", async () => {
    const { device, disk, steps, keep, release, saved } = createUnderTest(LENGTH);
    await device.write(LENGTH - 10, [Buffer.alloc(4, 1), Buffer.alloc(16, 2)]); // across its end
    await device.zero(0, KiB);
    const expected = Buffer.alloc(SIZE, 0xe5);
    expected
      .fill(1, LENGTH - 10, LENGTH - 6)
      .fill(2, LENGTH - 6, LENGTH + 10)
      .fill(0, 0, KiB);
    expect((await content(device)).equals(expected)).toBe(true);
    const below = Buffer.from(expected).fill(0, 0, LENGTH);
    expect((await content(disk)).equals(below)).toBe(true);
    await keep();
    expect(saved.map((bytes) => expected.subarray(0, LENGTH).equals(bytes))).toEqual([true]);
    expect((await content(disk)).equals(below)).toBe(true);
    await release();
    expect((await content(disk)).equals(expected)).toBe(true);
    expect(steps.slice(-2)).toEqual(["write 0", "flush"]);
    await device.write(5, [Uint8Array.of(9)]);
    await release();
    expect((await content(disk))[5]).toBe(9);
  });

  test("is a megabyte unless told, or the whole of a smaller disk", async () => {
    const { device, disk } = createUnderTest();
    await device.write(SIZE - 1, [Uint8Array.of(1)]);
    expect((await content(disk)).every((byte) => byte === 0)).toBe(true);
    const large = createMemoryDevice({ size: 2 * KiB * KiB, fill: 1 });
    await withholdFirstBlock(large, { save: async () => {} }).device.zero(0, 2 * KiB * KiB);
    expect((await content(large)).every((byte) => byte === 0)).toBe(true);
  });

  test("of a disk that nobody wrote is where it was", async () => {
    const { steps, keep, release, saved } = createUnderTest(LENGTH);
    await keep();
    await release();
    expect({ steps, saved }).toEqual({ steps: [], saved: [] });
  });

  test("that could not be released is still withheld", async () => {
    const disk = createMemoryDevice({ size: SIZE, fill: 0xe5 });
    let isBroken = true;
    const flush = async (): Promise<void> => {
      if (isBroken && (await content(disk))[0] === 7) throw new Error("EIO");
    };
    const { device, release } = withholdFirstBlock({ ...disk, flush }, { length: LENGTH, save: async () => {} });
    await device.write(0, [Uint8Array.of(7)]);
    await expect(release()).rejects.toThrow("EIO");
    isBroken = false;
    await device.write(0, [Uint8Array.of(8)]);
    await release();
    expect((await content(disk))[0]).toBe(8);
  });

  test("that the disk has kept otherwise is an error, and still withheld", async () => {
    const disk = createMemoryDevice({ size: SIZE, fill: 0xe5 });
    let isRotten = true;
    const write: BlockDevice["write"] = async (offset, data) => {
      const bytes = Buffer.concat(data);
      if (isRotten) bytes[KiB]! ^= 4;
      await disk.write(offset, [bytes]);
    };
    const { device, release } = withholdFirstBlock({ ...disk, write }, { length: LENGTH, save: async () => {} });
    await device.write(0, [Buffer.alloc(LENGTH, 7)]);
    await expect(release()).rejects.toMatchObject({ code: "io", offset: KiB });
    expect((await content(device)).subarray(0, LENGTH).every((byte) => byte === 7)).toBe(true);
    isRotten = false;
    await release();
    expect((await content(disk)).subarray(0, LENGTH).every((byte) => byte === 7)).toBe(true);
  });

  test("is right for whatever is written, zeroed, read and asked", async () => {
    const random = createRandom(7);
    const { device, disk, release } = createUnderTest(LENGTH);
    const expected = Buffer.alloc(SIZE, 0xe5);
    for (let step = 0; step < 200; step++) {
      const offset = random.int(SIZE - 1);
      const length = 1 + random.int(SIZE - offset - 1 || 1);
      const fill = random.int(3) * 40;
      if (fill === 0) await device.zero(offset, length);
      else await device.write(offset, [Buffer.alloc(length, fill)]);
      expected.fill(fill, offset, offset + length);
      const from = random.int(SIZE - 1);
      const piece = Buffer.alloc(1 + random.int(SIZE - from - 1 || 1));
      await device.read(from, piece);
      expect(piece.equals(expected.subarray(from, from + piece.length))).toBe(true);
      let at = from;
      for await (const extent of device.extents(from, piece.length)) {
        expect(extent.offset).toBe(at);
        at += extent.length;
        if (extent.zero) expect(expected.subarray(extent.offset, at).every((byte) => byte === 0)).toBe(true);
      }
      expect(at).toBe(from + piece.length);
    }
    await release();
    expect((await content(disk)).equals(expected)).toBe(true);
  });
});

describeBlockDevice("a disk whose first 70000 bytes are withheld", async (size) => ({
  device: withholdFirstBlock(createMemoryDevice({ size, fill: 0xe5 }), { length: 70_000, save: async () => {} }).device,
  cleanup: async () => {},
}));
