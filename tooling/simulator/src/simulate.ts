import { type BlockDevice, createMemoryDevice, joinGuests, joinTrackers, trackWrites } from "@blkmig/device";
import { load, loadFromQemu, type LoadResult } from "@blkmig/sink";
import { classicFormat, createMigration, qemuFormat, MigrationError, type MigrationResult } from "@blkmig/source";
import { createRandom, type SeededRandom } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";

import { equal, fill, isAnswered } from "./disks.ts";
import { startGuest } from "./guest-writes.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import { scheduledDevice } from "./scheduled-device.ts";

const MiB = 1024 * 1024;
const SIZES = [512, MiB - 512, MiB, MiB + 512, 2 * MiB, 2 * MiB + 1536, 4 * MiB];

/** What may go wrong in a simulated migration. */
export interface Dangers {
  readonly faults?: boolean;
  readonly cuts?: boolean;
  readonly cancels?: boolean;
}

/** How a simulated migration ended. */
export interface Outcome {
  readonly source: { readonly completed: MigrationResult } | { readonly failed: unknown };
  readonly sink: { readonly completed: LoadResult } | { readonly failed: unknown };
  /** Whether every disk is the same at both ends, now that everything has settled. */
  readonly same: boolean;
  /** Whether the guest was answered again after the end: it runs. */
  readonly guestRuns: boolean;
}

interface SimulatedDisk {
  readonly name: string;
  readonly origin: BlockDevice;
  readonly target: BlockDevice;
  readonly tracked: ReturnType<typeof trackWrites>;
}

/** One whole migration under a writing guest; everything that could be otherwise is decided by the seed. */
export async function simulate(seed: number, dangers: Dangers = {}): Promise<Outcome> {
  const random = createRandom(seed);
  const schedule = createSchedule(random);
  return schedule.run(migrateOnce(random, schedule, dangers));
}

async function migrateOnce(random: SeededRandom, { turn, clock }: Schedule, dangers: Dangers): Promise<Outcome> {
  const faults = dangers.faults ? 0.01 : 0;
  const disks = Array.from({ length: 1 + random.int(3) }, (_, index): SimulatedDisk => {
    const size = random.pick(SIZES);
    const origin = createMemoryDevice({ name: `disk${index}`, size });
    const target = createMemoryDevice({ name: `disk${index}`, size, fill: 0xe5 });
    const slow = scheduledDevice(origin, { turn, random, faults: faults / 4 });
    const granularity = random.pick([512, 4096, 65536, MiB]);
    return { name: `disk${index}`, origin, target, tracked: trackWrites(slow, { granularity }) };
  });
  for (const { origin } of disks) await fill(origin, random);

  const [near, far] = memoryPair({
    latency: turn,
    capacity: random.pick([0, 0, 1000, 3 * MiB]),
    split: (available) => 1 + random.int(random.pick([available, 3 * MiB, 70_000])),
  });
  const controller = new AbortController();
  const vm = joinGuests(disks.map(({ tracked }) => tracked.control));
  const guests = disks.map(({ tracked }) => startGuest(tracked.guest, random, turn, 3 + random.int(12)));

  const zeroBlocks = random.int(4) > 0;
  const isQemu = random.int(3) === 0;
  const generation = zeroBlocks ? random.pick(["1.0", "1.1"] as const) : "1.1";
  const format = isQemu ? qemuFormat({ zeroBlocks }) : classicFormat({ generation, zeroBlocks });
  const migration = createMigration({
    disks: disks.map(({ name, tracked }) => ({ name, device: tracked.disk })),
    wire: near,
    format,
    tracker: joinTrackers(disks.map(({ tracked }) => tracked.tracker)),
    guest: vm,
    limits: { reads: 1 + random.int(16), bufferedBytes: (1 + random.int(8)) * MiB },
    downtimeLimit: random.pick([0, 10, 300, 100_000]),
    ...(random.int(3) === 0 ? { maxBandwidth: (1 + random.int(100)) * MiB } : {}),
    signal: controller.signal,
    clock,
  });
  const loading = (isQemu ? loadFromQemu : load)({
    disks: disks.map(({ name, target }) => ({
      name,
      device: scheduledDevice(target, { turn, random, faults }),
    })),
    wire: far,
    limits: { bufferedBytes: (1 + random.int(4)) * MiB },
  });
  if (dangers.cuts) void after(turn, random.int(400)).then(() => random.pick([near, far]).destroy(new Error("cut")));
  if (dangers.cancels) void after(turn, random.int(400)).then(() => controller.abort());

  const sinkEnd = settled(loading);
  void sinkEnd.then(() => hangUp(far));
  const source = await settled(migration.run());
  const sink = await sinkEnd;
  const paused = "completed" in source || (source.failed instanceof MigrationError && source.failed.guest === "paused");
  if (!paused) await Promise.all(guests.map(({ done }) => done));
  const same = (await Promise.all(disks.map(({ origin, target }) => equal(origin, target)))).every(Boolean);
  const guestRuns = await isAnswered(disks[0]!.tracked.guest, turn);
  near.destroy();
  return { source, sink, same, guestRuns };
}

type Settled<T> = { readonly completed: T } | { readonly failed: unknown };

async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { completed: await promise };
  } catch (failed) {
    return { failed };
  }
}

/** A sink that is done, well or not, ends its side; one that failed reads no further. */
async function hangUp(end: { finish(): Promise<void> }): Promise<void> {
  await end.finish().catch(() => undefined); // the peer may have gone: then there is nobody to tell
}

async function after(turn: () => Promise<void>, turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}
