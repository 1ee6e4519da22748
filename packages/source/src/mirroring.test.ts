import { createMemoryDevice, type MirroredWrite } from "@blkmig/device";
import { expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { createDiskWork } from "./disk-work.ts";
import { createFlights } from "./flights.ts";
import { createMirroring } from "./mirroring.ts";
import type { SessionOutlet } from "./session-outlet.ts";

const GRANULE = 4096;
const quiet = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A disk of four granules, mirrored to a sink that acknowledges when the test says so, on a clock that stands still. */
function mirrored({ mostBytes = 2 * GRANULE } = {}) {
  const work = createDiskWork({ name: "vda", device: createMemoryDevice({ size: 4 * GRANULE }) }, 0, GRANULE);
  const flights = createFlights();
  const sent: { readonly frame: string; acknowledge(): void; refuse(): void }[] = [];
  const failures: unknown[] = [];
  const alarms: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        alarms.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  const send: SessionOutlet["mirrored"] = ({ disk, offset, length }, data) =>
    new Promise((acknowledge, reject) => {
      const frame = `${data === "zero" ? "hole" : data[0]} of ${length} at ${disk}:${offset}`;
      sent.push({ frame, acknowledge, refuse: () => reject(new Error("cut")) });
    });
  const outlet = { mostBytes, mirrored: send } as SessionOutlet;
  const onFailure = (reason: unknown): void => void failures.push(reason);
  const mirroring = createMirroring({ works: [work], trackedAs: [2], outlet, flights, clock, onFailure });
  const begin = (offset: number, length: number): Promise<MirroredWrite> => mirroring.mirror.begin(2, offset, length);
  return { work, flights, sent, failures, alarms, mirroring, begin, frames: () => sent.map(({ frame }) => frame) };
}

const filled = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);

/** Begins, and gives the write once it has begun. */
const watch = (beginning: Promise<MirroredWrite>) => {
  const seen: { write?: MirroredWrite; failure?: unknown } = {};
  beginning.then(
    (write) => (seen.write = write),
    (reason: unknown) => (seen.failure = reason),
  );
  return seen;
};

test("a write begins when nothing is on its way to its granules, and holds them until the sink has it", async () => {
  const { work, flights, sent, begin } = mirrored();
  work.inFlight.mark(GRANULE, GRANULE);
  const waiting = watch(begin(GRANULE + 512, 512));
  await quiet();
  expect(waiting.write).toBeUndefined();
  work.inFlight.clear(GRANULE, GRANULE);
  flights.stir();
  await quiet();
  expect([...work.inFlight.runs()]).toEqual([{ offset: GRANULE, length: GRANULE }]);
  const carried = waiting.write!.carry([filled(9, 512)]);
  sent[0]!.acknowledge();
  await carried;
  await quiet();
  expect(work.inFlight.bytes, "until its end: it may still be marked").toBe(GRANULE);
  waiting.write!.end();
  await quiet();
  expect(work.inFlight.bytes).toBe(0);
});

test("of two writes to one granule the second begins when the sink has the first, whatever both waited for", async () => {
  for (const busy of [false, true]) {
    const { work, flights, sent, begin } = mirrored();
    if (busy) work.inFlight.mark(0, GRANULE);
    const [first, second] = [watch(begin(0, 512)), watch(begin(512, 512))];
    await quiet();
    work.inFlight.clear(0, busy ? GRANULE : 0);
    flights.stir();
    await quiet();
    expect(second.write, "it waits for the first").toBeUndefined();
    const carried = first.write!.carry([filled(1, 512)]);
    first.write!.end();
    await quiet();
    expect(second.write, "the sink has not got the first").toBeUndefined();
    sent[0]!.acknowledge();
    await carried;
    await quiet();
    expect(second.write).toBeDefined();
    second.write!.end();
  }
});

test("a write that was begun and never carried holds its granules no longer than its end", async () => {
  const { work, begin } = mirrored();
  const write = await begin(0, 512);
  write.end();
  await quiet();
  expect(work.inFlight.bytes).toBe(0);
});

test("a write goes in frames as long as the sink takes them, zeroes in one, and is no longer verified", async () => {
  const { work, frames, sent, begin } = mirrored();
  work.verified.markAll();
  const long = await begin(512, 3 * GRANULE);
  const carried = long.carry([filled(1, GRANULE), filled(2, 2 * GRANULE)]);
  expect(frames()).toEqual([`1 of 8192 at 0:512`, `2 of 4096 at 0:8704`]);
  expect(work.verified.bytes).toBe(0);
  for (const { acknowledge } of sent) acknowledge();
  await carried;
  long.end();
  await quiet();
  void (await begin(0, 4 * GRANULE)).carry("zero");
  expect(frames().at(-1)).toBe("hole of 16384 at 0:0");
});

test.each([
  ["takes too long", ({ alarms }: ReturnType<typeof mirrored>) => alarms[0]!(), /longer than 5000 ms/],
  ["fails", ({ sent }: ReturnType<typeof mirrored>) => sent[0]!.refuse(), /cut/],
])("a write that %s leaves mirroring, once, and is marked by whoever carried it", async (_, strike, why) => {
  const world = mirrored();
  const { begin, failures, work, sent } = world;
  const write = await begin(0, 512);
  const waiting = begin(0, 512);
  const carried = write.carry([filled(1, 512)]);
  strike(world);
  await expect(carried).rejects.toThrow(why); // the guest's face marks what throws
  expect(failures).toHaveLength(1);
  write.end();
  if (work.inFlight.bytes > 0) sent[0]!.acknowledge(); // too late, but its granules are free only now
  await expect(waiting).rejects.toThrow("aborted");
  await expect(begin(GRANULE, 512)).rejects.toThrow("aborted");
  expect(failures).toHaveLength(1);
});

test("late is a flight still: what is on its way to the sink keeps others off its granules", async () => {
  const { work, sent, alarms, begin } = mirrored();
  const write = await begin(0, 512);
  const carried = write.carry([filled(1, 512)]);
  alarms[0]!();
  await expect(carried).rejects.toThrow(/longer/);
  write.end();
  await quiet();
  expect(work.inFlight.bytes).toBe(GRANULE);
  sent[0]!.acknowledge();
  await quiet();
  expect(work.inFlight.bytes).toBe(0);
});

test("stopped, it begins nothing more, and whoever waits for a flight waits no longer", async () => {
  const { work, mirroring, begin } = mirrored();
  work.inFlight.mark(0, GRANULE);
  const waiting = watch(begin(0, 512));
  mirroring.stop();
  await quiet();
  expect(waiting.failure).toBeDefined();
  await expect(begin(GRANULE, 512)).rejects.toThrow("aborted");
});

test("a disk that is not moved is not mirrored", async () => {
  const { mirroring } = mirrored();
  await expect(mirroring.mirror.begin(0, 0, 512)).rejects.toThrow("a disk that is not moved");
});
