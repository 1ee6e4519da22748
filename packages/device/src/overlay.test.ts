import { createRandom, describeBlockDevice, withFaults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { BlockDevice, Extent } from "./block-device.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { createOverlay } from "./overlay.ts";

const KiB = 1024;
const GRANULE = 64 * KiB;
const SIZE = 8 * GRANULE + 512;

/** A base whose every byte tells its place, and which cannot be written. */
function createBase(size: number): BlockDevice {
  return createMemoryDevice({ name: "base", size, fill: Uint8Array.of(1, 2, 3, 5, 7, 11, 13), readOnly: true });
}

describeBlockDevice("an overlay", async (size) => ({
  device: createOverlay({ base: createBase(size), top: createMemoryDevice({ size, fill: 0xee }) }),
  cleanup: async () => {},
}));
describeBlockDevice(
  "an overlay of small granules, reopened by what its top has allocated",
  async (size) => {
    const base = createBase(size);
    const top = createMemoryDevice({ name: "top", size, granularity: 512 });
    const open = () => createOverlay({ base, top, granularity: 4096, allocated: "extents" });
    return { device: open(), reopen: async () => open(), cleanup: async () => {} };
  },
  ["writable"],
);

describe("createOverlay", () => {
  it("shows the base until it is written, and never writes the base", async () => {
    const base = createBase(SIZE);
    const device = createOverlay({ base, top: createMemoryDevice({ name: "delta", size: SIZE, fill: 0xee }) });
    expect(device.name).toBe("delta");
    const truth = await bytesOf(base);
    expect(await isSame(device, truth)).toBe(true);
    // Two granules in part, with one between them whole.
    truth.fill(0x44, GRANULE - 5, 2 * GRANULE + 9);
    await device.write(GRANULE - 5, [new Uint8Array(GRANULE + 14).fill(0x44)]);
    truth.fill(0x55, SIZE - 3);
    await device.write(SIZE - 3, [new Uint8Array(3).fill(0x55)]);
    expect(await isSame(device, truth)).toBe(true);
    expect(await isSame(base, await bytesOf(createBase(SIZE)))).toBe(true);
  });

  it("does not fall through to the base where it was zeroed", async () => {
    const device = createOverlay({ base: createBase(SIZE), top: createMemoryDevice({ size: SIZE, fill: 0xee }) });
    await device.zero(GRANULE, 2 * GRANULE);
    const into = new Uint8Array(2 * GRANULE);
    await device.read(GRANULE, into);
    expect(into.every((byte) => byte === 0)).toBe(true);
    expect(await extentsOf(device)).toEqual([
      { offset: 0, length: GRANULE, zero: false, allocated: false },
      { offset: GRANULE, length: 2 * GRANULE, zero: true, allocated: true },
      { offset: 3 * GRANULE, length: SIZE - 3 * GRANULE, zero: false, allocated: false },
    ]);
  });

  it("calls an unallocated extent zero only where the base does", async () => {
    const base = createMemoryDevice({ size: SIZE });
    await base.write(2 * GRANULE, [Uint8Array.of(1)]);
    const device = createOverlay({ base, top: createMemoryDevice({ size: SIZE }) });
    await device.write(4 * GRANULE, [Uint8Array.of(1)]);
    expect(await extentsOf(device)).toEqual([
      { offset: 0, length: 2 * GRANULE, zero: true, allocated: false },
      { offset: 2 * GRANULE, length: GRANULE, zero: false, allocated: false },
      { offset: 3 * GRANULE, length: GRANULE, zero: true, allocated: false },
      { offset: 4 * GRANULE, length: GRANULE, zero: false, allocated: true },
      { offset: 5 * GRANULE, length: SIZE - 5 * GRANULE, zero: true, allocated: false },
    ]);
  });

  it("keeps parallel small writes into one untouched granule", async () => {
    const base = createBase(SIZE);
    // Uneven: what a slow write copies up must not fall over what a quick one has written.
    const random = createRandom(3);
    const latency = async () => {
      for (let turns = random.int(4); turns > 0; turns--) await turn();
    };
    const top = withFaults(createMemoryDevice({ size: SIZE, fill: 0xee }), { latency });
    const device = createOverlay({ base: withFaults(base, { latency }), top });
    const truth = await bytesOf(base);
    const writes: Promise<void>[] = [];
    for (let nth = 0; nth < 20; nth++) {
      truth.fill(nth, 100 + nth * 50, 150 + nth * 50);
      writes.push(device.write(100 + nth * 50, [new Uint8Array(50).fill(nth)]));
    }
    await Promise.all(writes);
    expect(await isSame(device, truth)).toBe(true);
  });

  it("lets overlapping writes land in the order in which they came", async () => {
    let isFirst = true;
    // The first write is the slowest: without an order it would land last.
    const top = withFaults(createMemoryDevice({ size: SIZE }), {
      async latency({ when }) {
        if (when !== "before" || !isFirst) return;
        isFirst = false;
        await turn();
        await turn();
      },
    });
    const device = createOverlay({ base: createBase(SIZE), top });
    await Promise.all([1, 2, 3].map(async (byte) => device.write(0, [new Uint8Array(GRANULE).fill(byte)])));
    const into = new Uint8Array(GRANULE);
    await device.read(0, into);
    expect(into.every((byte) => byte === 3)).toBe(true);
  });

  it("still shows the base where a first write failed half way", async () => {
    const base = createBase(SIZE);
    let isBroken = true;
    const top = withFaults(createMemoryDevice({ size: SIZE, fill: 0xee }), {
      failWrite: () => (isBroken ? new Error("no") : undefined),
      torn: true,
    });
    const device = createOverlay({ base, top });
    await expect(device.write(10, [new Uint8Array(GRANULE)])).rejects.toThrow("no");
    expect(await isSame(device, await bytesOf(base))).toBe(true);
    isBroken = false;
    await device.write(10, [Uint8Array.of(9)]);
    expect(await isSame(device, (await bytesOf(base)).fill(9, 10, 11))).toBe(true);
  });

  it("adopts what its top has allocated, and completes granules allocated in part from the base", async () => {
    const base = createBase(SIZE);
    const top = createMemoryDevice({ size: SIZE, granularity: 4096 });
    await top.write(GRANULE + 4096, [new Uint8Array(4096).fill(0x33)]);
    await top.write(GRANULE + 5 * 4096, [new Uint8Array(4096).fill(0x34)]);
    const device = createOverlay({ base, top, allocated: "extents" });
    const truth = await bytesOf(base);
    truth.fill(0x33, GRANULE + 4096, GRANULE + 8192).fill(0x34, GRANULE + 5 * 4096, GRANULE + 6 * 4096);
    expect(await isSame(device, truth)).toBe(true);
    expect((await extentsOf(device)).filter((extent) => extent.allocated)).toEqual([
      { offset: GRANULE, length: GRANULE, zero: false, allocated: true },
    ]);
  });

  it("remembers zeros when it is opened again by what its top has allocated", async () => {
    const base = createBase(SIZE);
    const top = createMemoryDevice({ size: SIZE });
    await createOverlay({ base, top, allocated: "extents" }).zero(GRANULE, 2 * GRANULE);
    const again = createOverlay({ base, top, allocated: "extents" });
    expect(await isSame(again, (await bytesOf(base)).fill(0, GRANULE, 3 * GRANULE))).toBe(true);
  });

  it("zeroes fast where its top does, and nowhere if zeros must be written", async () => {
    const base = createBase(SIZE);
    const device = createOverlay({ base, top: createMemoryDevice({ size: SIZE, fill: 0xee }) });
    const unchanged = await bytesOf(base);
    await expect(device.zero(5, GRANULE, { fast: true, unmap: false })).rejects.toMatchObject({
      code: "not-supported",
    });
    expect(await isSame(device, unchanged)).toBe(true);
    await device.zero(5, GRANULE, { fast: true });
    expect(await isSame(device, (await bytesOf(base)).fill(0, 5, GRANULE + 5))).toBe(true);

    const top = createMemoryDevice({ size: SIZE });
    const written = createOverlay({ base, top, allocated: "extents" });
    await expect(written.zero(5, GRANULE, { fast: true })).rejects.toMatchObject({ code: "not-supported" });
    expect((await extentsOf(top)).some((extent) => extent.allocated)).toBe(false);
  });

  it("closes neither its base nor its top, and refuses a base of another size", async () => {
    const base = createBase(SIZE);
    const top = createMemoryDevice({ size: SIZE });
    await createOverlay({ base, top }).close();
    await base.read(0, new Uint8Array(1));
    await top.read(0, new Uint8Array(1));
    expect(() => createOverlay({ base: createBase(SIZE - 1), top })).toThrow(RangeError);
  });

  it("is read-only when its top is", async () => {
    const device = createOverlay({ base: createBase(512), top: createMemoryDevice({ size: 512, readOnly: true }) });
    expect(device.readOnly).toBe(true);
    await expect(device.write(0, [Uint8Array.of(1)])).rejects.toMatchObject({ code: "read-only" });
    await expect(device.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
  });
});

async function bytesOf(device: BlockDevice): Promise<Uint8Array> {
  const into = new Uint8Array(device.size);
  await device.read(0, into);
  return into;
}

async function isSame(device: BlockDevice, truth: Uint8Array): Promise<boolean> {
  return Buffer.compare(await bytesOf(device), truth) === 0;
}

async function extentsOf(device: BlockDevice): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const extent of device.extents(0, device.size)) extents.push(extent);
  return extents;
}

async function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
