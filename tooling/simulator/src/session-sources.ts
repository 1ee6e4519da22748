import { type BlockDevice, type Guest, joinGuests, joinTrackers, trackWrites } from "@blkmig/device";
import { convergesByPending, createMigration, MigrationError, type MigrationResult } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

import { equal } from "./disks.ts";
import { createGauge, gaugedDevice } from "./gauged-device.ts";
import { startGuest } from "./guest-writes.ts";
import { createLife, type Life, mortalClock, mortalDevice } from "./life.ts";
import { scheduledDevice } from "./scheduled-device.ts";
import type { Network } from "./session-network.ts";
import { sourceJournalOf } from "./session-records.ts";
import { haunt, kill, type World } from "./session-world.ts";
import { requestsOf, spotsOf } from "./shape.ts";
import { recordDangers, type SinkHost } from "./sink-host.ts";
import { watchConvergence } from "./watched-convergence.ts";
import { watchMirror } from "./watched-mirror.ts";

const MiB = 1024 * 1024;

export type End = { readonly completed: MigrationResult | "killed after the end" } | { readonly failed: unknown };

/** The sending program, as often as it is started. */
export async function runSources(
  world: World,
  network: Network,
  over: Life,
  {
    sink,
    verify,
    onLife,
  }: { readonly sink: SinkHost; readonly verify: boolean; readonly onLife: (life: Life) => void },
): Promise<{ readonly end: End; readonly guest: BlockDevice }> {
  const { random, schedule, records, dangers } = world;
  const granularity = random.pick([4096, 65536, MiB]);
  for (let deaths = dangers.sourceDies ? 1 + random.int(2) : 0; ; deaths--) {
    const life = createLife();
    if (records.source.state === "moved") throw new Error("law 9: a disk that has moved is sent again");
    if (deaths > 0) void haunt(world, over, () => kill(world, "source", life));
    onLife(life);
    const { source } = records;
    const asked = source.state === "asked" ? { asked: source.attempt } : {};
    const resume = source.state === "none" ? undefined : { attempt: source.attempt, ...asked };
    const { run, guest, done } = startSource(world, life, {
      connect: () => network.connect(life),
      journal: sourceJournalOf(records, { life, turn: schedule.turn, ...recordDangers(world, "source") }, (isAgain) => {
        if (isAgain && dangers.handsOver)
          world.violations.push("hand-over: it begins anew, and its targets were let go of");
      }),
      migration: "m-1",
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
    sink.startAgain();
    // Nobody but blkmig knows of the record; a disk that is not in doubt may be written by whoever has it.
    if (["none", "sending", "kept"].includes(source.state) && random.int(2) === 0) await writeBehindItsBack(world);
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

async function writeBehindItsBack({ disks, random, strikes }: World): Promise<void> {
  strikes.count("source: somebody wrote to it between two runs");
  const { origin, shadow } = random.pick(disks);
  const offset = random.int(origin.size / 512) * 512;
  const [end, value] = [Math.min(offset + 8192, origin.size), 1 + random.int(255)];
  await origin.write(offset, [Buffer.alloc(end - offset, value)]);
  shadow.sure(offset, end, value);
}

function startSource(world: World, life: Life, session: NonNullable<Parameters<typeof createMigration>[0]["session"]>) {
  const { random, schedule, shape, disks, seen, dangers, strikes, violations, gauges, aimed } = world;
  const { turn } = schedule;
  const clock = mortalClock(schedule.clock, life);
  const requests = dangers.outruns ? 100 + random.int(200) : requestsOf(shape, random);
  const tracked = disks.map(({ origin, endsAt }) => {
    const slow = scheduledDevice(mortalDevice(origin, life), {
      turn,
      random,
      faults: dangers.faults ? 0.00125 : 0,
      writeFaults: dangers.faults ? 0.1 : 0, // its guest's: no migration ends by them
      ...(dangers.slow ? { slow: clock, slows: random.pick(["all", "changes"] as const) } : {}),
      ...(endsAt === undefined ? {} : { endsAt }),
      strikes,
      side: "source",
    });
    return trackWrites(mortalDevice(slow, life), { granularity: random.pick([512, 4096, 65536, MiB]), clock });
  });
  // What a guest writes later sends the same granules again, and hides that a write was forgotten.
  const fallsSilent = dangers.outruns === true && random.int(2) === 0;
  const joined = joinGuests(tracked.map((each) => each.control));
  const control = watchMirror(joined, () => {
    strikes.count("mirror: a write was not carried");
    if (fallsSilent) for (const guest of guests) guest.stop();
  });
  // Whoever starts the sender again knows from its record that the outcome is unknown, and lets nobody write.
  if (session.resume?.asked !== undefined) void control.pause();
  const guests = tracked.map(({ guest }, index) => {
    const { name, shadow } = disks[index]!;
    const onLie = (what: string): void => void violations.push(`the guest's disk: ${name}: ${what}`);
    const habits = { requests, spots: spotsOf(shape, random, guest.size) };
    return startGuest(guest, random, turn, habits, { shadow, onLie });
  });
  const done = Promise.all(guests.map((each) => each.done));
  let isDone = false;
  void done.then(() => (isDone = true));
  const controller = new AbortController();
  const limits = { reads: 1 + random.int(16), bufferedBytes: (1 + random.int(8)) * MiB };
  const reads = createGauge(limits.reads);
  const onOutside = (what: string): void => void violations.push(what);
  gauges.push({ what: "reads at the source", gauge: reads });
  // Mirrored for a while: it switches over by itself as soon as nothing is left.
  let mirroredTurns = dangers.outruns ? random.int(20) : 0;
  const watched = watchConvergence(dangers.restless === true ? restless(control, random) : control, {
    random,
    hasty: dangers.hasty === true,
    rule: (view) => (!dangers.outruns || isDone || (onMirror() && mirroredTurns-- <= 0)) && convergesByPending(view),
    onViolation: (what) => violations.push(what),
  });
  const hasRule = dangers.outruns === true || dangers.hasty === true || random.int(2) === 0; // without one it may go on for a pass more
  const migration = createMigration({
    disks: disks.map(({ name }, index) => ({ name, device: gaugedDevice(tracked[index]!.disk, { reads, onOutside }) })),
    session,
    tracker: joinTrackers(tracked.map(({ tracker }) => tracker)),
    guest: watched.guest,
    limits,
    downtimeLimit: random.pick([0, 10, 300, 100_000]),
    throttle: !dangers.outruns && random.int(2) === 0,
    mirror: dangers.outruns === true || random.int(2) === 0,
    ...(hasRule ? { convergence: watched.rule } : {}),
    ...(random.int(3) === 0 ? { maxBandwidth: (1 + random.int(100)) * MiB } : {}),
    async confirm() {
      if (dangers.handsOver && world.targets.are === "ours")
        violations.push("hand-over: the source confirms, and the targets were not let go of");
      if (!dangers.handsOver || (dangers.rots && !session.verify)) return;
      for (const { name, origin, target } of disks)
        if (!(await equal(origin, target))) violations.push(`hand-over: ${name} is another's now, and is not whole`);
    },
    signal: controller.signal,
    clock,
    onEvent: (event) => {
      if (event.type !== "converge" || event.step !== "mirror") return;
      seen.mirrored = true;
      if (!dangers.cuts || aimed.left === 0) return;
      aimed.left--;
      void after(turn, random.int(60)).then(() => aimed.cut());
    },
  });
  const onMirror = (): boolean => migration.statistics().mirroring;
  if (dangers.cancels) {
    void after(turn, random.int(400)).then(() => {
      strikes.count("cancelled");
      controller.abort();
    });
  }
  const run = migration.run().then((result) => {
    if (hasRule && watched.heldEarly) violations.push("law 3: it was switched over in the bulk phase");
    return result;
  });
  const strikeEarly = (): void => {
    if (hasRule && watched.heldEarly) strikes.count("held in the bulk phase");
  };
  run.then(strikeEarly, strikeEarly);
  return { run, guest: tracked[0]!.guest, done };
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
