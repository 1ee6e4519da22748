import { withFaults, type Faults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { Clock } from "./clock.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describe("a throttled guest", () => {
  for (const { bytes, rate } of [
    { bytes: 4 * KiB, rate: MiB },
    { bytes: 4 * KiB, rate: 100 * MiB },
    { bytes: MiB, rate: 20 * MiB },
    { bytes: MiB, rate: 500 * MiB },
  ]) {
    it(`writes ${rate / MiB} MiB in any second, in writes of ${bytes / KiB} KiB`, async () => {
      const { guest, control, clock } = track();
      control.throttle(rate);
      let begun = 0;
      const vcpu = async () => {
        for (;;) {
          await guest.write(0, [new Uint8Array(bytes)]);
          begun += bytes;
        }
      };
      void vcpu();
      void vcpu();
      let before = 0;
      for (const second of [1, 2, 3]) {
        await clock.runUntil(second * 1000);
        expect(Math.abs(begun - before - rate) / rate).toBeLessThanOrEqual(0.05);
        before = begun;
      }
    });
  }

  it("has no more than a tenth of a second's worth at once, however long it was idle", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(MiB);
    await clock.runUntil(60_000);
    for (let nth = 0; nth < 100; nth++) void guest.write(0, [new Uint8Array(4 * KiB)]);
    await turns();
    expect(begun.length * 4 * KiB).toBeLessThanOrEqual(MiB / 10);
  });

  it("zeroes at the same rate", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(MiB);
    for (let nth = 0; nth < 10; nth++) void guest.zero(0, MiB);
    await clock.runUntil(4500);
    expect(begun.length).toBe(5);
  });

  it("reads, flushes and lists extents while its writes are held", async () => {
    const { guest, control, begun } = track();
    control.throttle(1);
    void guest.write(0, [new Uint8Array(KiB)]);
    void guest.write(1, [new Uint8Array(KiB)]);
    await guest.read(2, new Uint8Array(1));
    await guest.flush();
    await guest.extents(0, KiB)[Symbol.asyncIterator]().next();
    expect(begun).toEqual(["write 0", "read 2", "flush 0"]);
  });

  it("keeps its writes and zeroes in the order in which they came, the empty ones too", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(KiB);
    const requests = [
      guest.write(1, [new Uint8Array(KiB)]),
      guest.write(2, [new Uint8Array(MiB)]),
      guest.zero(3, 1),
      guest.write(4, []),
      guest.write(5, [new Uint8Array(1)]),
    ];
    await clock.runUntil(1_100_000);
    await Promise.all(requests);
    expect(begun).toEqual(["write 1", "write 2", "zero 3", "write 4", "write 5"]);
  });

  it("has all that is held let go at once when throttling ends, before what comes in the same turn", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(1);
    const requests = [1, 2, 3].map((offset) => guest.write(offset, [new Uint8Array(KiB)]));
    await turns();
    expect(begun).toEqual(["write 1"]);
    control.throttle(undefined);
    requests.push(guest.write(4, [new Uint8Array(KiB)]));
    await Promise.all(requests);
    expect(begun).toEqual(["write 1", "write 2", "write 3", "write 4"]);
    // A sleep of a quarter of an hour, for nobody, would keep the process alive.
    expect(clock.sleeping).toBe(0);
  });

  it("has a new rate for what is held already, up and down", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(1);
    for (let nth = 0; nth < 30; nth++) void guest.write(nth, [new Uint8Array(KiB)]);
    await clock.runUntil(1000);
    expect(begun.length).toBe(1);
    control.throttle(10 * KiB);
    await clock.runUntil(1950);
    // The one that had begun is paid for at the new rate, and not forgotten: ten in a second, that one included.
    expect(begun.length).toBe(10);
    control.throttle(KiB);
    await clock.runUntil(4950);
    expect(begun.length).toBe(13);
  });

  it("is not waited for by a pause, has nothing begun in it, and waits for its turn after it", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(KiB);
    for (const offset of [0, 1, 2, 3]) void guest.write(offset, [new Uint8Array(KiB)]);
    await control.pause();
    void guest.write(4, [new Uint8Array(KiB)]);
    await clock.runUntil(60_000);
    expect(begun).toEqual(["write 0"]);
    await control.resume();
    await turns();
    expect(begun).toEqual(["write 0", "write 1"]);
    await clock.runUntil(63_500);
    expect(begun).toEqual(["write 0", "write 1", "write 2", "write 3", "write 4"]);
  });

  it("stays held when throttling ends in a pause, and goes in order at resume", async () => {
    const { guest, control, begun } = track();
    control.throttle(1);
    const requests = [1, 2].map((offset) => guest.write(offset, [new Uint8Array(KiB)]));
    await control.pause();
    requests.push(guest.write(3, [new Uint8Array(1)]));
    control.throttle(undefined);
    await turns();
    expect(begun).toEqual(["write 1"]);
    await control.resume();
    await Promise.all(requests);
    expect(begun).toEqual(["write 1", "write 2", "write 3"]);
  });

  it("has its held writes finished by close()", async () => {
    const { guest, control, clock, begun } = track();
    control.throttle(KiB);
    const requests = [1, 2].map((offset) => guest.write(offset, [new Uint8Array(KiB)]));
    let isClosed = false;
    const closed = guest.close().then(() => (isClosed = true));
    await turns();
    expect(isClosed).toBe(false);
    await clock.runUntil(1000);
    await Promise.all([...requests, closed]);
    expect(begun).toEqual(["write 1", "write 2"]);
  });

  it("is let go when its tracker stops", async () => {
    const { guest, control, tracker, begun } = track();
    await tracker.start();
    control.throttle(1);
    const requests = [1, 2, 3].map((offset) => guest.write(offset, [new Uint8Array(KiB)]));
    await tracker.stop();
    await Promise.all(requests);
    await guest.write(4, [new Uint8Array(MiB)]);
    expect(begun.length).toBe(4);
  });

  it("has a rate that is positive", async () => {
    const { guest, control } = track();
    for (const rate of [0, -1, Number.NaN, Infinity]) expect(() => control.throttle(rate)).toThrow(RangeError);
    await guest.write(0, [new Uint8Array(MiB)]);
    await guest.write(0, [new Uint8Array(MiB)]);
  });

  it("goes by the machine's clock if it was given none", async () => {
    const { guest, control } = trackWrites(createMemoryDevice({ size: MiB }), { granularity: 512 });
    control.throttle(MiB);
    await Promise.all([1, 2, 3].map((offset) => guest.write(offset, [Uint8Array.of(offset)])));
    control.throttle(1);
    const held = [1, 2, 3].map((offset) => guest.write(offset, [new Uint8Array(KiB).fill(offset)]));
    await turns();
    // Else the last would have waited for most of an hour.
    control.throttle(undefined);
    await Promise.all(held);
    const into = new Uint8Array(3);
    await guest.read(1, into);
    expect([...into]).toEqual([1, 2, 3]);
  });
});

/** A tracked disk whose guest waits by a virtual clock, and a list of the requests that have begun. */
function track() {
  const begun: string[] = [];
  const faults: Faults = {
    async latency({ action, offset, when }) {
      if (when === "before") begun.push(`${action} ${offset}`);
    },
  };
  const clock = createVirtualClock();
  const device = withFaults(createMemoryDevice({ size: 2 * MiB }), faults);
  return { ...trackWrites(device, { granularity: 512, clock }), clock, begun };
}

/** Time that passes when it is told to, from one sleeper's end to the next. */
function createVirtualClock(): Clock & { readonly sleeping: number; runUntil(ms: number): Promise<void> } {
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  let now = 0;
  return {
    now: () => now,
    get sleeping() {
      return sleepers.size;
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          until: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", sleeper.wake);
      }),
    async runUntil(ms) {
      for (;;) {
        await turns();
        const next = [...sleepers].toSorted((a, b) => a.until - b.until)[0];
        if (next === undefined || next.until > ms) break;
        now = next.until;
        next.wake();
      }
      now = ms;
    },
  };
}

/** Long enough for whatever can go on without us: every microtask, and then a turn of the event loop. */
async function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
