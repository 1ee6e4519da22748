import { describeBlockDevice, withFaults, type RequestShape } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";
import type { DirtySet, Tracker } from "./tracking.ts";

const SIZE = 1024 * 1024;
const GRANULARITY = 4096;

describeBlockDevice("the guest's face of a tracked disk", async (size) => {
  const { guest, tracker } = trackWrites(createMemoryDevice({ size, fill: 0xee }), { granularity: 512 });
  await tracker.start();
  return { device: guest, cleanup: async () => {} };
});

describe("the migration's face", () => {
  it("reads what the guest wrote, in a pause too, and writes nothing", async () => {
    const { guest, disk, control } = trackWrites(createMemoryDevice({ size: SIZE }), { granularity: GRANULARITY });
    await guest.write(5, [Uint8Array.of(1, 2, 3)]);
    await control.pause();
    expect(await bytesAt(disk, 5, 3)).toEqual([1, 2, 3]);
    await expect(disk.write(0, [Uint8Array.of(1)])).rejects.toMatchObject({ code: "read-only" });
    await expect(disk.zero(0, 1)).rejects.toMatchObject({ code: "read-only" });
    await expect(disk.write(SIZE, [Uint8Array.of(1)])).rejects.toBeInstanceOf(RangeError);
  });

  it("says of itself what the disk is, so that read-only media can be left out", () => {
    for (const readOnly of [false, true]) {
      const { guest, disk } = trackWrites(createMemoryDevice({ size: SIZE, readOnly }), { granularity: GRANULARITY });
      expect([guest.readOnly, disk.readOnly]).toEqual([readOnly, readOnly]);
    }
  });

  it("closes alone: the guest goes on, and so does the disk beneath when both are closed", async () => {
    const device = createMemoryDevice({ size: SIZE });
    const { guest, disk } = trackWrites(device, { granularity: GRANULARITY });
    await disk.close();
    await expect(disk.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
    await guest.write(0, [Uint8Array.of(9)]);
    await guest.close();
    expect(await bytesAt(device, 0, 1)).toEqual([9]);
  });
});

describe("the tracker", () => {
  it("marks while it is started, and says each mark once", async () => {
    const { guest, tracker } = trackWrites(createMemoryDevice({ size: SIZE + 1 }), { granularity: GRANULARITY });
    await guest.write(0, [Uint8Array.of(1)]);
    await tracker.start();
    expect(await dirtyIn(tracker)).toEqual([]);
    await guest.write(4095, [Uint8Array.of(1, 2)]);
    await guest.zero(SIZE, 1);
    expect(await dirtyIn(tracker)).toEqual([
      { offset: 0, length: 8192 },
      { offset: SIZE, length: 1 },
    ]);
    expect(await dirtyIn(tracker)).toEqual([]);
    await guest.write(0, [Uint8Array.of(1)]);
    await tracker.stop();
    await tracker.stop();
    await guest.write(0, [Uint8Array.of(1)]);
    await expect(tracker.sync()).rejects.toBeInstanceOf(TypeError);
    await tracker.start();
    expect(await dirtyIn(tracker)).toEqual([]);
    await expect(tracker.start()).rejects.toMatchObject({ code: "in-use" });
  });

  it("does not mark reads, flushes and requests that were refused", async () => {
    const { guest, tracker } = trackWrites(createMemoryDevice({ size: SIZE }), { granularity: GRANULARITY });
    await tracker.start();
    await guest.read(0, new Uint8Array(9));
    await guest.flush();
    await guest.write(0, [new Uint8Array(0)]);
    await expect(guest.write(SIZE - 1, [Uint8Array.of(1, 2)])).rejects.toBeInstanceOf(RangeError);
    expect(await dirtyIn(tracker)).toEqual([]);
  });

  it("marks zeroes and trims", async () => {
    const { guest, tracker } = trackWrites(createMemoryDevice({ size: SIZE }), { granularity: GRANULARITY });
    await tracker.start();
    await guest.zero(0, 10, { unmap: true });
    await guest.zero(8192, 4096, { unmap: false });
    expect(await dirtyIn(tracker)).toEqual([
      { offset: 0, length: 4096 },
      { offset: 8192, length: 4096 },
    ]);
  });

  it("marks a fast zero that was refused, as every change that failed", async () => {
    const { guest, tracker } = trackWrites(createMemoryDevice({ size: SIZE }), { granularity: GRANULARITY });
    await tracker.start();
    await expect(guest.zero(0, 1, { fast: true, unmap: false })).rejects.toMatchObject({ code: "not-supported" });
    expect(await dirtyIn(tracker)).toEqual([{ offset: 0, length: 4096 }]);
  });

  it("marks a write and a zero that failed, for part of it may have landed", async () => {
    const broken = new Error("no");
    const device = withFaults(createMemoryDevice({ size: SIZE }), {
      failWrite: () => broken,
      failZero: () => broken,
      torn: true,
    });
    const { guest, tracker } = trackWrites(device, { granularity: GRANULARITY });
    await tracker.start();
    await expect(guest.write(0, [Uint8Array.of(1, 2)])).rejects.toBe(broken);
    await expect(guest.zero(8192, 1)).rejects.toBe(broken);
    expect(await dirtyIn(tracker)).toEqual([
      { offset: 0, length: 4096 },
      { offset: 8192, length: 4096 },
    ]);
  });

  it("marks after the write has landed: a sync and a read before that leave it to the next sync", async () => {
    const landing = createStops();
    const { guest, disk, tracker } = trackWrites(withFaults(createMemoryDevice({ size: SIZE }), landing.faults), {
      granularity: GRANULARITY,
    });
    await tracker.start();
    const write = guest.write(0, [Uint8Array.of(7)]);
    await landing.reached("before");
    // Were it marked now, this sync would clear the mark, the read would find the old byte, and nobody would look again.
    expect(await dirtyIn(tracker)).toEqual([]);
    expect(await bytesAt(disk, 0, 1)).toEqual([0]);
    landing.letGo("before");
    await landing.reached("after");
    // Landed, but not marked yet: a sync may miss it still, and then the next one says it.
    const early = await dirtyIn(tracker);
    landing.letGo("after");
    await write;
    expect([...early, ...(await dirtyIn(tracker))]).toEqual([{ offset: 0, length: 4096 }]);
  });

  it("marks before it answers: whoever was answered finds the mark at once", async () => {
    const { guest, tracker } = trackWrites(createMemoryDevice({ size: SIZE }), { granularity: GRANULARITY });
    await tracker.start();
    let found: Promise<readonly DirtySet[]> | undefined;
    // In the very turn of the answer, with no await between.
    await guest.write(0, [Uint8Array.of(1)]).then(() => {
      found = tracker.sync();
    });
    const [set] = (await found)!;
    expect([...set!.runs()]).toEqual([{ offset: 0, length: 4096 }]);
  });

  it("refuses a wrong granularity when the disk is wrapped", () => {
    expect(() => trackWrites(createMemoryDevice({ size: SIZE }), { granularity: 1000 })).toThrow(RangeError);
  });
});

/** Faults that hold each write at its two moments until it is let go, and say when one has come there. */
function createStops() {
  const moments = { before: createMoment(), after: createMoment() };
  return {
    faults: {
      async latency({ action, when }: RequestShape): Promise<void> {
        if (action !== "write") return;
        moments[when].reach();
        await moments[when].isLetGo;
      },
    },
    reached: (when: "before" | "after") => moments[when].isReached,
    letGo: (when: "before" | "after") => moments[when].letGo(),
  };
}

function createMoment() {
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  return { isReached: reached.promise, reach: reached.resolve, isLetGo: letGo.promise, letGo: letGo.resolve };
}

async function dirtyIn(tracker: Tracker): Promise<{ offset: number; length: number }[]> {
  const [set] = await tracker.sync();
  return [...set!.runs()];
}

async function bytesAt(
  device: { read(offset: number, into: Uint8Array): Promise<void> },
  offset: number,
  length: number,
) {
  const into = new Uint8Array(length);
  await device.read(offset, into);
  return [...into];
}
