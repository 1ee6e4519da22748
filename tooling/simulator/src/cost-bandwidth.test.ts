import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { createMigration } from "@blkmig/source";
import { expect, test } from "vitest";

import { type PacedSession, runPacedSession } from "./paced-session.ts";
import { createPacedTime } from "./paced-time.ts";

const MB = 1_000_000;
const MiB = 1024 * 1024;
const GRANULE = 64 * 1024;
const wire = { bytesPerSecond: 1000 * MB, latencyMs: 1 };

type Sent = PacedSession["sent"];

/** Bytes handed to the wire in each whole second from `from` to `to`, milliseconds. */
function perSecond(sent: Sent, from: number, to: number): number[] {
  const seconds = Array.from({ length: Math.floor((to - from) / 1000) }, () => 0);
  for (const { at, bytes } of sent) {
    const second = Math.floor((at - from) / 1000);
    if (second >= 0 && second < seconds.length) seconds[second]! += bytes;
  }
  return seconds;
}

/** Within 5 percent; what comes in grains of a granule cannot be more even than two of them a second. */
function assertRate(sent: Sent, rate: number, from: number, to: number): void {
  const allowed = Math.max(0.05 * rate, 2 * GRANULE);
  const seconds = perSecond(sent, from, to);
  expect(seconds.length).toBeGreaterThan(0);
  for (const [nth, bytes] of seconds.entries()) {
    expect(Math.abs(bytes - rate), `${bytes} bytes in second ${nth} at ${rate} a second`).toBeLessThan(allowed);
  }
}

/** When the source had sent its last data. */
const endOf = (sent: Sent): number => sent.findLast(({ bytes }) => bytes > 4096)!.at;

/** Granules of data, of zeroes that were written, and of nothing, in turn. */
async function mixed(size: number): Promise<BlockDevice> {
  const disk = createMemoryDevice({ size });
  for (let at = 0; at < size; at += 4 * GRANULE) {
    await disk.write(at, [Buffer.alloc(2 * GRANULE, 7)]);
    await disk.zero(at + 2 * GRANULE, GRANULE, { unmap: false });
  }
  return disk;
}

test.each([
  [1, 10],
  [5, 50],
  [50, 400],
])("%d MB a second are kept, every second, for data", async (megabytes, size) => {
  const rate = megabytes * MB;
  const origin = createMemoryDevice({ size: size * MiB, fill: 7 });
  const { sent, same } = await runPacedSession({ wire, origin, migration: { maxBandwidth: rate } });
  expect(same).toBe(true);
  assertRate(sent, rate, 100, endOf(sent));
});

test.each([
  [1, 20],
  [5, 100],
  [50, 400],
])("%d MB a second are kept, every second, where data, zeroes and holes take turns", async (megabytes, size) => {
  const rate = megabytes * MB;
  const { sent, same } = await runPacedSession({
    wire,
    origin: await mixed(size * MiB),
    migration: { maxBandwidth: rate },
  });
  expect(same).toBe(true);
  // What is read is taken for data until it is found to be zero: the first second has less.
  assertRate(sent, rate, 1000, endOf(sent));
});

test("a limit may be changed while it runs: up, down, and off", async () => {
  const origin = createMemoryDevice({ size: 200 * MiB, fill: 7 });
  let isChanging = false;
  const { sent } = await runPacedSession({
    wire,
    origin,
    migration: { maxBandwidth: 5 * MB },
    onEvent(_, { clock, migration }) {
      if (isChanging) return;
      isChanging = true;
      void clock.sleep(3000).then(() => migration.setMaxBandwidth(20 * MB));
      void clock.sleep(6000).then(() => migration.setMaxBandwidth(2 * MB));
      void clock.sleep(9000).then(() => migration.setMaxBandwidth(undefined));
    },
  });
  assertRate(sent, 5 * MB, 100, 2900);
  assertRate(sent, 20 * MB, 3100, 5900);
  assertRate(sent, 2 * MB, 6500, 8900);
  expect(perSecond(sent, 9100, 9100 + 1000), "all the rest").toEqual([expect.any(Number)]);
  expect(endOf(sent)).toBeLessThan(9500);
});

test("a limit that is lifted lets go at once of who waits for it", async () => {
  const origin = createMemoryDevice({ size: 8 * MiB, fill: 7 });
  let isChanging = false;
  const { sent, same } = await runPacedSession({
    wire,
    origin,
    migration: { maxBandwidth: 1 }, // the first MiB alone would take twelve days
    onEvent(_, { clock, migration }) {
      if (isChanging) return;
      isChanging = true;
      void clock.sleep(1000).then(() => migration.setMaxBandwidth(undefined));
    },
  });
  expect(same).toBe(true);
  expect(endOf(sent)).toBeLessThan(2000);
});

test.each([5, 50])("%d MB a second are kept to a block, at any time, by a classic stream", async (megabytes) => {
  const rate = megabytes * MB;
  const { clock, run } = createPacedTime();
  const sent: { at: number; bytes: number }[] = [];
  const migration = createMigration({
    disks: [{ name: "vda", device: createMemoryDevice({ size: 8 * megabytes * MiB, fill: 7 }) }],
    wire: {
      send: async (data) =>
        void sent.push({ at: clock.now(), bytes: data.reduce((sum, { length }) => sum + length, 0) }),
      finish: async () => {},
      destroy: () => {},
    },
    maxBandwidth: rate,
    clock,
  });
  await run(migration.run());
  let before = 0;
  for (const { at, bytes } of sent) {
    before += bytes;
    const due = (at * rate) / 1000;
    if (bytes < MiB) continue;
    // No more than one go of 25 ms ahead, of whole blocks; and never late by more.
    const step = Math.max(MiB, rate / 40) + MiB;
    expect(Math.abs(before - due), `at ${at} ms`).toBeLessThanOrEqual(step);
  }
  expect(clock.now()).toBeGreaterThan(7000);
});
