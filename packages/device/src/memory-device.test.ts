import { describeBlockDevice } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { Extent } from "./block-device.ts";
import { createMemoryDevice } from "./memory-device.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describeBlockDevice("a memory disk", async (size) => ({
  device: createMemoryDevice({ size }),
  cleanup: async () => {},
}));
describeBlockDevice("a memory disk full of garbage, of small pages", async (size) => ({
  device: createMemoryDevice({ size, fill: Uint8Array.of(1, 2, 3), granularity: 4096 }),
  cleanup: async () => {},
}));

describe("createMemoryDevice", () => {
  it("refuses to write when it is read-only, and reads", async () => {
    const device = createMemoryDevice({ size: 4096, fill: 7, readOnly: true });
    expect(device.readOnly).toBe(true);
    await expect(device.write(0, [new Uint8Array(1)])).rejects.toMatchObject({ code: "read-only", offset: 0 });
    await expect(device.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
    const into = new Uint8Array(4096);
    await device.read(0, into);
    expect(into.every((byte) => byte === 7)).toBe(true);
  });

  it("says where it has storage: nowhere, where written, and no longer where dropped", async () => {
    const device = createMemoryDevice({ size: MiB });
    expect(await collect(device.extents(0, MiB))).toEqual([hole(0, MiB)]);
    await device.write(100 * KiB, [new Uint8Array(100 * KiB)]);
    expect(await collect(device.extents(0, MiB))).toEqual([
      hole(0, 64 * KiB),
      data(64 * KiB, 192 * KiB),
      hole(256 * KiB, 768 * KiB),
    ]);
    await device.zero(100 * KiB, 400 * KiB);
    expect(await collect(device.extents(0, MiB))).toEqual([
      hole(0, 64 * KiB),
      data(64 * KiB, 64 * KiB),
      hole(128 * KiB, 896 * KiB),
    ]);
    await device.zero(512 * KiB, 64 * KiB, { unmap: false });
    expect(await collect(device.extents(512 * KiB, 128 * KiB))).toEqual([
      data(512 * KiB, 64 * KiB),
      hole(576 * KiB, 64 * KiB),
    ]);
  });

  it("drops storage fast, and will not make some fast", async () => {
    const device = createMemoryDevice({ size: MiB, fill: 0xee });
    await device.zero(0, MiB / 2, { fast: true });
    await expect(device.zero(MiB / 2, 512, { fast: true, unmap: false })).rejects.toMatchObject({
      code: "not-supported",
      offset: MiB / 2,
    });
    expect(await collect(device.extents(0, MiB))).toEqual([hole(0, MiB / 2), data(MiB / 2, MiB / 2)]);
  });

  it("calls its fill allocated, and never zero, until it is zeroed", async () => {
    const device = createMemoryDevice({ size: MiB + 512, fill: 0xee });
    expect(await collect(device.extents(0, MiB + 512))).toEqual([data(0, MiB + 512)]);
    await device.zero(512 * KiB, 512 * KiB + 512);
    expect(await collect(device.extents(0, MiB + 512))).toEqual([data(0, 512 * KiB), hole(512 * KiB, 512 * KiB + 512)]);
  });

  it("repeats a pattern from the disk's start, and keeps its own copy of it", async () => {
    const fill = Uint8Array.of(1, 2, 3);
    const device = createMemoryDevice({ size: 10, fill });
    fill.fill(9);
    const into = new Uint8Array(5);
    await device.read(4, into);
    expect([...into]).toEqual([2, 3, 1, 2, 3]);
  });
});

async function collect(extents: AsyncIterable<Extent>): Promise<Extent[]> {
  const collected: Extent[] = [];
  for await (const extent of extents) collected.push(extent);
  return collected;
}

function data(offset: number, length: number): Extent {
  return { offset, length, zero: false, allocated: true };
}

function hole(offset: number, length: number): Extent {
  return { offset, length, zero: true, allocated: false };
}
