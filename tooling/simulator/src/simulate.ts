import { joinGuests, joinTrackers } from "@blkmig/device";
import { load, LoadError, loadFromQemu, type LoadResult } from "@blkmig/sink";
import { classicFormat, createMigration, MigrationError, type MigrationResult, qemuFormat } from "@blkmig/source";
import { createRandom } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";

import type { Ended } from "./check-laws.ts";
import type { Dangers } from "./dangers.ts";
import { equal, isAnswered } from "./disks.ts";
import { createGauge, gaugedDevice } from "./gauged-device.ts";
import { startGuest } from "./guest-writes.ts";
import { lyingWire } from "./lying-wire.ts";
import { watchPadding } from "./padding.ts";
import { createSchedule } from "./schedule.ts";
import { drawShape } from "./shape.ts";
import { createStrikes } from "./strikes.ts";
import { watchConvergence } from "./watched-convergence.ts";
import { habitsOf, makeDisk, type SimulatedDisk, SIZES, targetOf, type World } from "./wire-world.ts";

const MiB = 1024 * 1024;
/** How a simulated migration ended. */
export interface Outcome extends Ended {
  readonly source: Settled<MigrationResult>;
  readonly sink: Settled<LoadResult>;
  readonly strikes: Readonly<Record<string, number>>;
}

/** One whole migration under a writing guest; everything that could be otherwise is decided by the seed. */
export async function simulate(seed: number, dangers: Dangers = {}): Promise<Outcome> {
  const random = createRandom(seed);
  const schedule = createSchedule(random);
  const shape = drawShape(random, SIZES);
  return schedule.run(migrateOnce({ shape, random, schedule, dangers, strikes: createStrikes(), violations: [] }));
}

async function migrateOnce(world: World): Promise<Outcome> {
  const { random, schedule, dangers, strikes, violations } = world;
  const { turn, clock } = schedule;
  const disks: SimulatedDisk[] = [];
  for (let index = 1 + random.int(3); index > 0; index--) disks.push(await makeDisk(world, disks.length));

  const [near, far] = memoryPair({
    latency: dangers.delays ? async () => delay(world) : turn,
    capacity: random.pick([0, 0, 1000, 3 * MiB]),
    split: (available) => 1 + random.int(random.pick([available, 3 * MiB, 70_000])),
  });
  const controller = new AbortController();
  const vm = joinGuests(disks.map(({ tracked }) => tracked.control));
  const onLie = (what: string): void => void violations.push(`the guest's disk: ${what}`);
  const guests = disks.map(({ tracked, shadow }) =>
    startGuest(tracked.guest, random, turn, habitsOf(world, tracked.guest), { shadow, onLie }),
  );

  const zeroBlocks = random.int(4) > 0;
  const isQemu = !dangers.lies && random.int(3) === 0;
  const generation = zeroBlocks ? random.pick(["1.0", "1.1"] as const) : "1.1";
  const format = isQemu ? qemuFormat({ zeroBlocks }) : classicFormat({ generation, zeroBlocks });
  const sizes = disks.map(({ name, origin: { size } }) => ({ name, size }));
  const lying = dangers.lies ? lyingWire(near, sizes, random) : undefined;
  const wire = isQemu ? near : watchPadding(lying?.wire ?? near, sizes, (what) => violations.push(what));
  const limits = { reads: 1 + random.int(16), bufferedBytes: (1 + random.int(8)) * MiB };
  const reads = createGauge(limits.reads);
  const onOutside = (what: string): void => void violations.push(what);
  const watched = watchConvergence(vm, {
    random,
    hasty: dangers.hasty === true,
    onViolation: (what) => violations.push(what),
  });
  const hasRule = dangers.hasty === true || random.int(2) === 0; // without one it may go on for a pass more
  const migration = createMigration({
    disks: disks.map(({ name, tracked }) => ({ name, device: gaugedDevice(tracked.disk, { reads, onOutside }) })),
    wire,
    format,
    tracker: joinTrackers(disks.map(({ tracked }) => tracked.tracker)),
    guest: watched.guest,
    ...(hasRule ? { convergence: watched.rule } : {}),
    limits,
    downtimeLimit: random.pick([0, 10, 300, 100_000]),
    ...(random.int(3) === 0 ? { maxBandwidth: (1 + random.int(100)) * MiB } : {}),
    signal: controller.signal,
    clock,
  });
  const bufferedBytes = (1 + random.int(4)) * MiB;
  const written = createGauge(bufferedBytes);
  const changes = createGauge(Infinity);
  const loading = (isQemu ? loadFromQemu : load)({
    disks: disks.map(({ name, target }) => ({
      name,
      device: gaugedDevice(targetOf(target, world), { written, changes, onOutside }),
    })),
    wire: far,
    limits: { bufferedBytes },
  });
  const cut = (): void => {
    strikes.count("wire: cut");
    random.pick([near, far]).destroy(new Error("cut"));
  };
  if (dangers.cuts) void after(turn, random.int(400)).then(cut);
  if (dangers.cancels) void after(turn, random.int(400)).then(() => controller.abort());

  const sinkEnd = settled(loading);
  void sinkEnd.then(() => {
    if (changes.now > 0) violations.push("law 4: the load has ended, and a target is still being written");
    return hangUp(far);
  });
  const source = await settled(migration.run());
  const sink = await sinkEnd;
  if (hasRule && watched.heldEarly) strikes.count("held in the bulk phase");
  if (hasRule && watched.heldEarly && "completed" in source)
    violations.push("law 3: it was switched over in the bulk phase");
  if (lying?.broken !== undefined) strikes.count("wire: a lie");
  if (lying?.broken !== undefined && "completed" in sink) violations.push(lying.broken);
  const paused = "completed" in source || (source.failed instanceof MigrationError && source.failed.guest === "paused");
  if (!paused) await Promise.all(guests.map(({ done }) => done));
  if (controller.signal.aborted && "failed" in source) strikes.count("cancelled");
  if (dangers.shrinks && "failed" in sink && sink.failed instanceof LoadError && sink.failed.code === "beyond-the-end")
    strikes.count("target: too small");
  if ("completed" in sink) for (const { target } of disks) await target.losePower(random);
  const same = (await Promise.all(disks.map(({ origin, target }) => equal(origin, target)))).every(Boolean);
  for (const { name, origin, shadow } of disks) {
    const bytes = Buffer.alloc(origin.size);
    await origin.read(0, bytes);
    if (!shadow.agrees(0, bytes)) violations.push(`the guest's disk: ${name} lost a write that was answered`);
  }
  const guestRuns = await isAnswered(disks[0]!.tracked.guest, clock);
  near.destroy();
  return {
    simulation: "wire",
    dangers,
    source,
    sink,
    committed: "completed" in sink,
    same,
    isExcused: Object.keys(strikes.counts).some((what) => what.startsWith("rot")),
    guestRuns,
    most: { "reads at the source": reads.bound, "bytes being written at the sink": written.bound },
    violations,
    strikes: strikes.counts,
  };
}

/** How long a send is on its way: mostly no time at all, sometimes seconds. */
async function delay({ random, schedule, strikes }: World): Promise<void> {
  await schedule.turn();
  if (random.int(8) > 0) return;
  strikes.count("wire: late");
  await schedule.clock.sleep(random.int(random.pick([5, 50, 3000])));
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
