import { withFaults, type Faults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { BlockDevice } from "./block-device.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites, type TrackedDevice } from "./track-writes.ts";

const SIZE = 64 * 1024;

describe("a pause", () => {
  it("settles when every request that had begun has landed, is marked and can be answered", async () => {
    const landing = Promise.withResolvers<void>();
    const { guest, disk, tracker, control } = track({ latency: async () => landing.promise });
    await tracker.start();
    const log: string[] = [];
    const write = guest.write(512, [Uint8Array.of(7)]).then(() => log.push("answered"));
    const paused = control.pause().then(() => log.push("paused"));
    await turns();
    // It must not settle while the write is under way: what it lands later would never be marked, and never be sent.
    expect(log).toEqual([]);
    landing.resolve();
    await paused;
    const [set] = await tracker.sync();
    expect([...set!.runs()]).toEqual([{ offset: 512, length: 512 }]);
    const into = new Uint8Array(1);
    await disk.read(512, into);
    expect([...into]).toEqual([7]);
    await write;
    expect(log.toSorted()).toEqual(["answered", "paused"]);
    await turns();
    const [after] = await tracker.sync();
    expect([...after!.runs()]).toEqual([]);
  });

  it("waits for a write that fails, marks it, and does not fail itself", async () => {
    const landing = Promise.withResolvers<void>();
    const { guest, tracker, control } = track({
      latency: async () => landing.promise,
      failWrite: () => new Error("no"),
    });
    await tracker.start();
    const write = guest.write(0, [Uint8Array.of(7)]);
    const paused = control.pause();
    landing.resolve();
    await expect(write).rejects.toThrow("no");
    await paused;
    const [set] = await tracker.sync();
    expect([...set!.runs()]).toEqual([{ offset: 0, length: 512 }]);
  });

  it("holds every kind of request, and resume lets them go in the order in which they came", async () => {
    const begun: string[] = [];
    const { guest, control } = track({
      async latency({ action, offset, when }) {
        if (when === "before") begun.push(`${action} ${offset}`);
      },
    });
    await control.pause();
    const requests = [
      guest.write(1, [Uint8Array.of(1)]),
      guest.read(2, new Uint8Array(1)),
      guest.zero(3, 1),
      guest.flush(),
      guest.write(5, [Uint8Array.of(1)]),
      firstExtent(guest),
    ];
    await turns();
    expect(begun).toEqual([]);
    const resumed = control.resume();
    // In the same turn as resume(): it came later, so it begins later.
    requests.push(guest.write(6, [Uint8Array.of(1)]));
    await resumed;
    await Promise.all(requests);
    expect(begun).toEqual(["write 1", "read 2", "zero 3", "flush 0", "write 5", "write 6"]);
  });

  it("refuses what leaves the disk at once, and does not hold it", async () => {
    const { guest, control } = track({});
    await control.pause();
    await expect(guest.write(SIZE, [Uint8Array.of(1)])).rejects.toBeInstanceOf(RangeError);
  });

  it("twice is once, and a resume without a pause is nothing", async () => {
    const { guest, control } = track({});
    await control.resume();
    await Promise.all([control.pause(), control.pause()]);
    await control.pause();
    const write = guest.write(0, [Uint8Array.of(1)]);
    await control.resume();
    await write;
    await control.resume();
    await guest.write(0, [Uint8Array.of(2)]);
    const into = new Uint8Array(1);
    await guest.read(0, into);
    expect([...into]).toEqual([2]);
  });

  it("that a resume overtakes fails, for then nothing is held", async () => {
    const landing = Promise.withResolvers<void>();
    const { guest, control } = track({ latency: async () => landing.promise });
    const write = guest.write(0, [Uint8Array.of(1)]);
    const paused = control.pause();
    await control.resume();
    await expect(paused).rejects.toMatchObject({ name: "AbortError" });
    landing.resolve();
    await write;
    await guest.write(0, [Uint8Array.of(2)]);
  });

  it("is not kept waiting by a slow reader of extents", async () => {
    const { guest, control } = track({});
    const extents = guest.extents(0, SIZE)[Symbol.asyncIterator]();
    await extents.next();
    await control.pause();
    const next = extents.next();
    await control.resume();
    expect((await next).done).toBe(true);
  });

  it("keeps close() waiting until the held requests were let go and have landed", async () => {
    const { guest, control } = track({});
    await control.pause();
    let isClosed = false;
    const write = guest.write(0, [Uint8Array.of(1)]);
    const closed = guest.close().then(() => (isClosed = true));
    await turns();
    expect(isClosed).toBe(false);
    await expect(guest.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
    await control.resume();
    await Promise.all([write, closed]);
  });
});

function track(faults: Faults): TrackedDevice {
  return trackWrites(withFaults(createMemoryDevice({ size: SIZE }), faults), { granularity: 512 });
}

async function firstExtent(device: BlockDevice): Promise<void> {
  for await (const extent of device.extents(0, SIZE)) expect(extent.offset).toBe(0);
}

/** Long enough for whatever can go on without us: every microtask, and then a turn of the event loop. */
async function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
