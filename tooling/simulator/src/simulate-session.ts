import {
  type BlockDevice,
  createMemoryDevice,
  type Guest,
  joinGuests,
  joinTrackers,
  trackWrites,
} from "@blkmig/device";
import { createSinkSession, type SinkSession } from "@blkmig/sink";
import {
  convergesByPending,
  createMigration,
  MigrationError,
  type MigrationResult,
  type SourceWire,
} from "@blkmig/source";
import { createRandom, type SeededRandom } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";

import { equal, fill, isAnswered } from "./disks.ts";
import { startGuest } from "./guest-writes.ts";
import { createLife, type Life, mortalDevice } from "./life.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import { scheduledDevice } from "./scheduled-device.ts";
import { createSessionRecords, sinkJournalOf, sourceJournalOf } from "./session-records.ts";
import { createVolatileDevice, type VolatileDevice } from "./volatile-device.ts";

const MiB = 1024 * 1024;
const NOBODY = "nobody listens";
const SIZES = [512, MiB - 512, MiB, MiB + 512, 2 * MiB + 1536, 4 * MiB];

/** What may go wrong with a session. */
export interface SessionDangers {
  readonly cuts?: boolean;
  readonly faults?: boolean;
  readonly cancels?: boolean;
  /** The receiving program is killed and started again, sometimes with its host, sometimes with its targets touched. */
  readonly sinkDies?: boolean;
  /** The guest writes so much that nothing but mirroring ends it. */
  readonly outruns?: boolean;
  /** The sending program is killed and started again, sometimes with its disks written in between. */
  readonly sourceDies?: boolean;
  /** From SEALED on the targets are another program's, so what breaks then ends it. */
  readonly handsOver?: boolean;
  /** The guest cannot always come to rest when it is asked to. */
  readonly restless?: boolean;
}

/** How a simulated session ended. */
export interface SessionOutcome {
  readonly source: { readonly completed: MigrationResult | "killed after the end" } | { readonly failed: unknown };
  /** What the records beside the disks say. */
  readonly sourceRecord: string;
  readonly sinkRecord: string;
  readonly same: boolean;
  readonly guestRuns: boolean;
  /** Whether the guest's writes were mirrored for a while. */
  readonly mirrored: boolean;
  /** What must never happen, as sentences. */
  readonly violations: readonly string[];
}

interface World {
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly disks: readonly { readonly name: string; readonly origin: BlockDevice; readonly target: VolatileDevice }[];
  readonly records: ReturnType<typeof createSessionRecords>;
  readonly violations: string[];
  readonly seen: { mirrored: boolean };
  readonly faults: number;
}

/** One whole session under a writing guest; everything that could be otherwise is decided by the seed. */
export async function simulateSession(seed: number, dangers: SessionDangers = {}): Promise<SessionOutcome> {
  const random = createRandom(seed);
  const schedule = createSchedule(random);
  return schedule.run(migrateOnce(random, schedule, dangers));
}

async function migrateOnce(random: SeededRandom, schedule: Schedule, dangers: SessionDangers): Promise<SessionOutcome> {
  const records = createSessionRecords();
  const violations: string[] = [];
  const disks = Array.from({ length: 1 + random.int(3) }, (_, index) => {
    const name = `disk${index}`;
    const size = random.pick(SIZES);
    const memory = createMemoryDevice({ name, size });
    const origin = watched(memory, () => {
      if (records.sink.state === "committed") violations.push(`${name} was written at the source after the commit`);
    });
    return { name, origin, target: createVolatileDevice({ name, size, fill: 0xe5 }) };
  });
  for (const { origin } of disks) await fill(origin, random);
  const seen = { mirrored: false };
  const world: World = { random, schedule, disks, records, violations, seen, faults: dangers.faults ? 0.005 : 0 };
  const sink = createSinkHost(world);
  const network = createNetwork(world, sink);
  const over = createLife();
  if (dangers.cuts) void haunt(world, over, () => network.cut());
  if (dangers.sinkDies) void haunt(world, over, () => sink.die());
  const outcome = await runSources(world, network, dangers, over);
  const same = (await Promise.all(disks.map(({ origin, target }) => equal(origin, target)))).every(Boolean);
  const guestRuns = await isAnswered(outcome.guest, schedule.turn);
  const { source, sink: target } = records;
  return {
    source: outcome.end,
    sourceRecord: source.state,
    sinkRecord: target.state,
    same,
    guestRuns,
    violations,
    ...seen,
  };
}

function watched(device: BlockDevice, onChange: () => void): BlockDevice {
  return {
    ...device,
    extents: (offset, length) => device.extents(offset, length),
    async write(offset, data) {
      onChange();
      await device.write(offset, data);
    },
    async zero(offset, length, options) {
      onChange();
      await device.zero(offset, length, options);
    },
  };
}

/** Strikes a few times, after random waits, as long as the migration goes on. */
async function haunt({ random, schedule }: World, over: Life, strike: () => void | Promise<void>): Promise<void> {
  for (let times = 1 + random.int(3); times > 0; times--) {
    for (let turns = random.int(300); turns > 0; turns--) await schedule.turn();
    if (over.alive) await strike();
  }
}

/** The receiving program: killed, and started again with what its records say. */
function createSinkHost(world: World) {
  const { random, schedule, disks, records, violations, faults } = world;
  const { turn, clock } = schedule;
  const frameLimit = (1 + random.int(4)) * MiB;
  let life = createLife();
  let session: SinkSession | undefined;

  const onCommitted = async (): Promise<void> => {
    for (const { name, origin, target } of disks) {
      if (!(await equal(origin, target))) violations.push(`${name} was committed and is not equal`);
    }
  };

  const start = (): void => {
    const living = createLife();
    life = living;
    const { sink } = records;
    const found = sink.known && {
      state: sink.state === "incomplete" ? ("open" as const) : sink.state,
      attempt: sink.attempt,
      held: disks.map((_, index) => sink.held[index] ?? []),
    };
    const begun = createSinkSession({
      clock,
      limits: { bufferedBytes: frameLimit },
      open: async () => ({
        devices: disks.map(({ target }) => scheduledDevice(mortalDevice(target, living), { turn, random, faults })),
        journal: sinkJournalOf(records, { life: living, turn }, onCommitted),
        ...(found ? { found } : {}),
        handOver: turn,
        close: async () => {},
      }),
    });
    begun.ended.then(
      () => undefined,
      () => {
        if (session === begun) session = undefined; // the program has ended
      },
    );
    session = begun;
  };
  start();

  return {
    accept(wire: Parameters<SinkSession["take"]>[0] & { finish(): Promise<void> }): void {
      if (!session) throw new Error(NOBODY);
      void session.take(wire).then(() => wire.finish().catch(() => undefined));
    },
    async die(): Promise<void> {
      if (!session) return;
      life.kill();
      session = undefined;
      for (let turns = random.int(50); turns > 0; turns--) await turn();
      if (random.int(2) === 0) for (const { target } of disks) await target.losePower(random); // the host went with it
      if (records.sink.state !== "committed") await touch();
      start();
    },
    get life() {
      return life;
    },
  };

  /** Somebody writes to a target that is not finished. */
  async function touch(): Promise<void> {
    if (random.int(3) > 0) return;
    const { target } = random.pick(disks);
    const offset = random.int(target.size / 512) * 512;
    await target.write(offset, [Buffer.alloc(Math.min(4096, target.size - offset), 0xba)]);
    await target.flush();
  }
}

/** Connections between the two programs; each dies with either of them. */
function createNetwork({ random, schedule }: World, sink: ReturnType<typeof createSinkHost>) {
  const { turn } = schedule;
  let current: { destroy(reason?: Error): void } | undefined;
  return {
    async connect(source: Life): Promise<SourceWire> {
      await source.guard(turn());
      const [near, far] = memoryPair({
        latency: turn,
        capacity: random.pick([0, 0, 1000, 3 * MiB]),
        split: (available) => 1 + random.int(random.pick([available, 3 * MiB, 70_000])),
      });
      sink.accept(far);
      current = near;
      void source.death.then(() => near.destroy(new Error("the sender was killed")));
      void sink.life.death.then(() => far.destroy(new Error("the receiver was killed")));
      return near;
    },
    cut(): void {
      current?.destroy(new Error("cut"));
    },
  };
}

type End = { readonly completed: MigrationResult | "killed after the end" } | { readonly failed: unknown };

/** The sending program, as often as it is started. */
async function runSources(
  world: World,
  network: ReturnType<typeof createNetwork>,
  dangers: SessionDangers,
  over: Life,
): Promise<{ readonly end: End; readonly guest: BlockDevice }> {
  const { random, schedule, disks, records } = world;
  const migration = "m-1";
  const verify = random.int(3) === 0;
  const granularity = random.pick([4096, 65536, MiB]);
  for (let deaths = dangers.sourceDies ? 1 + random.int(2) : 0; ; deaths--) {
    const life = createLife();
    if (records.source.state === "moved") throw new Error("a disk that has moved is not sent again");
    if (deaths > 0) void haunt(world, over, () => life.kill());
    const { source } = records;
    const asked = source.state === "asked" ? { asked: source.attempt } : {};
    const resume = source.state === "none" ? undefined : { attempt: source.attempt, ...asked };
    const { run, guest, done } = startSource(world, life, dangers, {
      connect: () => network.connect(life),
      journal: sourceJournalOf(records, { life, turn: schedule.turn }),
      migration,
      verify,
      granularity,
      handOver: dangers.handsOver === true,
      checksums: !verify, // what is read back needs none
      frameBytes: Math.max(granularity, random.pick([65536, MiB])),
      ...(resume ? { resume } : {}),
    });
    const ended = await Promise.race([settled(run), life.death.then(() => isOver(records))]);
    if (ended && !foundNobody(ended)) {
      over.kill();
      const runs = "failed" in ended && !(ended.failed instanceof MigrationError && ended.failed.guest === "paused");
      if (runs) await done;
      return { end: ended, guest };
    }
    life.kill();
    // Nobody but blkmig knows of the record; a disk that is not in doubt may be written by whoever has it.
    if (["none", "sending", "kept"].includes(source.state) && random.int(2) === 0)
      await writeBehindItsBack(disks, random);
  }
}

/** It was killed when all was said and recorded. */
function isOver({ source }: World["records"]): End | undefined {
  return source.state === "moved" ? { completed: "killed after the end" } : undefined;
}

/** The receiver was not there when the sender was started: somebody starts it again. */
function foundNobody(end: End): boolean {
  if (!("failed" in end) || !(end.failed instanceof MigrationError)) return false;
  const { code, phase } = end.failed;
  return phase === "setup" && (code === "wire" || code === "in-doubt");
}

async function writeBehindItsBack(disks: World["disks"], random: SeededRandom): Promise<void> {
  const { origin } = random.pick(disks);
  const offset = random.int(origin.size / 512) * 512;
  await origin.write(offset, [Buffer.alloc(Math.min(8192, origin.size - offset), 1 + random.int(255))]);
}

function startSource(
  { random, schedule, disks, seen, faults }: World,
  life: Life,
  dangers: SessionDangers,
  session: NonNullable<Parameters<typeof createMigration>[0]["session"]>,
) {
  const { turn, clock } = schedule;
  const requests = dangers.outruns ? 100 + random.int(200) : 3 + random.int(12);
  const tracked = disks.map(({ origin }) => {
    const slow = scheduledDevice(mortalDevice(origin, life), { turn, random, faults: faults / 4 });
    return trackWrites(slow, { granularity: random.pick([512, 4096, 65536, MiB]), clock });
  });
  const control = joinGuests(tracked.map((each) => each.control));
  // Whoever starts the sender again knows from its record that the outcome is unknown, and lets nobody write.
  if (session.resume?.asked !== undefined) void control.pause();
  const guests = tracked.map(({ guest }) => startGuest(guest, random, turn, requests));
  const done = Promise.all(guests.map((each) => each.done));
  let isDone = false;
  void done.then(() => (isDone = true));
  const controller = new AbortController();
  const migration = createMigration({
    disks: disks.map(({ name }, index) => ({ name, device: tracked[index]!.disk })),
    session,
    tracker: joinTrackers(tracked.map(({ tracker }) => tracker)),
    guest: dangers.restless === true ? restless(control, random) : control,
    limits: { reads: 1 + random.int(16), bufferedBytes: (1 + random.int(8)) * MiB },
    downtimeLimit: random.pick([0, 10, 300, 100_000]),
    throttle: !dangers.outruns && random.int(2) === 0,
    mirror: dangers.outruns === true || random.int(2) === 0,
    ...(dangers.outruns ? { convergence: (view) => (onMirror() || isDone) && convergesByPending(view) } : {}),
    ...(random.int(3) === 0 ? { maxBandwidth: (1 + random.int(100)) * MiB } : {}),
    signal: controller.signal,
    clock,
    onEvent: (event) => {
      if (event.type === "converge") seen.mirrored ||= event.step === "mirror";
    },
  });
  const onMirror = (): boolean => migration.statistics().mirroring;
  if (dangers.cancels) void after(turn, random.int(400)).then(() => controller.abort());
  return {
    run: migration.run(),
    guest: tracked[0]!.guest,
    done,
  };
}

/** Sometimes it cannot come to rest yet. */
function restless(guest: Guest, random: SeededRandom): Guest {
  return { ...guest, pause: async () => (random.int(3) > 0 ? "not-yet" : guest.pause()) };
}

async function settled(promise: Promise<MigrationResult>): Promise<End> {
  try {
    return { completed: await promise };
  } catch (failed) {
    return { failed };
  }
}

async function after(turn: () => Promise<void>, turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}
