import { describeBlockDevice, withFaults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { BlockDevice, Extent } from "./block-device.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { createSwitchableDevice } from "./switchable-device.ts";

const SIZE = 64 * 1024;

describeBlockDevice("a switchable disk", async (size) => ({
  device: createSwitchableDevice(createMemoryDevice({ size, fill: 0xee })).device,
  cleanup: async () => {},
}));
describeBlockDevice("a switchable disk after an exchange", async (size) => {
  const { device, exchange } = createSwitchableDevice(createMemoryDevice({ name: "first", size }));
  exchange(createMemoryDevice({ name: "next", size, fill: 0xee }));
  return { device, cleanup: async () => {} };
});

describe("exchange", () => {
  it("sends what begins afterwards to the next one, and leaves the first as it was", async () => {
    const { device, exchange } = createSwitchableDevice(full(1, "vda"));
    expect(await byteAt(device, 0)).toBe(1);
    const next = full(2, "nbd");
    exchange(next);
    await device.write(1, [Uint8Array.of(9)]);
    await device.zero(2, 1);
    expect([device.name, await byteAt(device, 0), await byteAt(next, 1), await byteAt(next, 2)]).toEqual([
      "vda",
      2,
      9,
      0,
    ]);
  });

  it.each([
    ["read", (device: BlockDevice) => device.read(0, new Uint8Array(1))],
    ["write", (device: BlockDevice) => device.write(0, [Uint8Array.of(1)])],
    ["zero", (device: BlockDevice) => device.zero(0, 1)],
    ["flush", (device: BlockDevice) => device.flush()],
  ])("is refused while a %s is under way, failed or not, and done after it", async (_, begin) => {
    const landing = Promise.withResolvers<void>();
    const first = withFaults(full(1), { latency: async () => landing.promise, failRead: () => new Error("no") });
    const { device, exchange } = createSwitchableDevice(first);
    const request = begin(device).catch(() => {});
    expect(() => exchange(full(2))).toThrow(TypeError);
    landing.resolve();
    await request;
    exchange(full(2));
    expect(await byteAt(device, 0)).toBe(2);
  });

  it("is refused in the middle of a step of extents; between two, the next one goes on with the rest", async () => {
    const { device, exchange } = createSwitchableDevice(halves(1));
    const extents = device.extents(0, SIZE)[Symbol.asyncIterator]();
    const step = extents.next();
    await Promise.resolve();
    expect(() => exchange(full(2))).toThrow(TypeError);
    expect((await step).value).toEqual({ offset: 0, length: SIZE / 2, zero: false, allocated: true });
    exchange(createMemoryDevice({ size: SIZE }));
    expect((await extents.next()).value).toEqual({
      offset: SIZE / 2,
      length: SIZE / 2,
      zero: true,
      allocated: false,
    });
    expect((await extents.next()).done).toBe(true);
  });

  it("ends the list of extents of the one that is gone", async () => {
    let ended = 0;
    const first: BlockDevice = {
      ...full(1),
      async *extents(offset, length) {
        try {
          for (let at = offset; at < offset + length; at += 512)
            yield { offset: at, length: 512, zero: false, allocated: true };
        } finally {
          ended += 1;
        }
      },
    };
    const { device, exchange } = createSwitchableDevice(first);
    const said: Extent[] = [];
    for await (const extent of device.extents(512, 2048)) {
      if (said.push(extent) === 2) exchange(full(2));
    }
    expect(said.map(({ offset, length }) => [offset, length])).toEqual([
      [512, 512],
      [1024, 512],
      [1536, 1024],
    ]);
    expect(ended).toBe(1);
  });

  it("refuses a disk of another size, and a read-only one for a writable one, and stays with the one it has", async () => {
    const { device, exchange } = createSwitchableDevice(full(1));
    expect(() => exchange(createMemoryDevice({ size: SIZE - 512 }))).toThrow(RangeError);
    expect(() => exchange(createMemoryDevice({ size: SIZE, readOnly: true }))).toThrow(TypeError);
    expect(await byteAt(device, 0)).toBe(1);
  });

  it("zeroes as the disk beneath does: fast, with or without its storage, or not at all", async () => {
    const { device } = createSwitchableDevice(full(1));
    await expect(device.zero(0, 512, { fast: true, unmap: false })).rejects.toMatchObject({ code: "not-supported" });
    await device.zero(0, 512, { fast: true });
    expect(await byteAt(device, 0)).toBe(0);
  });

  it("leaves a read-only disk read-only, though the next one could be written", async () => {
    const { device, exchange } = createSwitchableDevice(createMemoryDevice({ size: SIZE, readOnly: true }));
    const next = full(2);
    exchange(next);
    expect(device.readOnly).toBe(true);
    await expect(device.write(0, [Uint8Array.of(1)])).rejects.toMatchObject({ code: "read-only", offset: 0 });
    await expect(device.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
    expect(await byteAt(next, 0)).toBe(2);
  });
});

it("closing a switchable disk closes neither what was nor what is beneath", async () => {
  const [first, next] = [full(1), full(2)];
  const { device, exchange } = createSwitchableDevice(first);
  exchange(next);
  await device.close();
  expect([await byteAt(first, 0), await byteAt(next, 0)]).toEqual([1, 2]);
});

function full(fill: number, name = "memory"): BlockDevice {
  return createMemoryDevice({ name, size: SIZE, fill });
}

/** Data in the first half, a hole in the second, said in two steps. */
function halves(fill: number): BlockDevice {
  const device = full(fill);
  return {
    ...device,
    async *extents() {
      yield { offset: 0, length: SIZE / 2, zero: false, allocated: true };
      yield { offset: SIZE / 2, length: SIZE / 2, zero: false, allocated: true };
    },
  };
}

async function byteAt(device: BlockDevice, offset: number): Promise<number | undefined> {
  const into = new Uint8Array(1);
  await device.read(offset, into);
  return into[0];
}
