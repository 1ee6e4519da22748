import type { BlockDevice } from "@blkmig/device";
import { createSinkSession, type SinkSession, withholdFirstBlock } from "@blkmig/sink";

import { equal } from "./disks.ts";
import { createGauge, type Gauge, gaugedDevice, watchedDevice } from "./gauged-device.ts";
import { createLife, type Life, mortalClock, mortalDevice } from "./life.ts";
import { rottingDevice } from "./rotting-device.ts";
import { scheduledDevice } from "./scheduled-device.ts";
import { sinkJournalOf } from "./session-records.ts";
import { kill, type World } from "./session-world.ts";

const MiB = 1024 * 1024;
const WITHHELD = 4096;
const NOBODY = "nobody listens";

type Incoming = Parameters<SinkSession["take"]>[0] & { finish(): Promise<void> };

/** The receiving program, as often as it is started. */
export interface SinkHost {
  /** Throws where it does not run. */
  accept(wire: Incoming): void;
  /** It is killed, and started again with what its records say. */
  die(): Promise<void>;
  readonly life: Life;
  /** Somebody finds that it has ended, and starts it again. */
  startAgain(): void;
  /** No other connection will come. Settles when everybody who waits for the session has been told. */
  giveUp(): Promise<void>;
}

export function createSinkHost(world: World, isExcused: () => boolean): SinkHost {
  const { random, schedule, disks, records, violations, dangers, strikes, gauges, targets } = world;
  const { turn, clock } = schedule;
  const bufferedBytes = (1 + random.int(4)) * MiB;
  const spaces = disks.map(({ target }) => random.int(2 * target.size));
  let life = createLife();
  let session: SinkSession | undefined;
  let takes: Promise<unknown>[] = [];
  let isDying = false;

  const onCommitted = async (): Promise<void> => {
    if (records.source.state !== "asked")
      violations.push(`law 5: it was committed, and the source has '${records.source.state}' on record`);
    for (const { name, origin, target } of disks) {
      if (isExcused() || (await equal(origin, target))) continue;
      violations.push(`law 4: ${name} was committed and is not equal`);
    }
  };

  const decisions = {
    onCommitted,
    onTakenBack: () => void violations.push("law 9: the disks were the sink's, and its record says otherwise now"),
  };

  const deviceOf = (target: BlockDevice, index: number, living: Life, written: Gauge): BlockDevice => {
    const ours = watchedDevice(target, () => {
      if (targets.are !== "ours") violations.push(`hand-over: ${target.name} was written after it had been let go of`);
    });
    const mortal = mortalDevice(ours, living); // half of a write may have landed when it is killed, and the rest never does
    const kept = dangers.rots
      ? rottingDevice(mortal, { random, likely: 0.05, onStrike: (what) => strikes.count(`rot: a write was ${what}`) })
      : mortal;
    const slow = scheduledDevice(kept, {
      turn,
      random,
      faults: dangers.faults ? 0.005 : 0,
      ...(dangers.slow ? { slow: clock } : {}),
      ...(dangers.full ? { space: spaces[index]! } : {}),
      strikes,
      side: "target",
    });
    return gaugedDevice(mortalDevice(slow, living), { written, onOutside: (what) => violations.push(what) });
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
    const written = createGauge(bufferedBytes + MiB + 64 * 1024); // each of its pools has one buffer at least
    gauges.push({ what: "bytes being written at the sink", gauge: written });
    const begun = createSinkSession({
      clock: mortalClock(clock, living),
      limits: { bufferedBytes },
      open: async () => {
        targets.are = "ours"; // a run that opens them has them until it lets go
        const devices = disks.map(({ target }, index) => deviceOf(target, index, living, written));
        // Whoever is handed the targets opens them: what was withheld has to be there by then.
        const withheld = dangers.handsOver
          ? devices.map((device) => withholdFirstBlock(device, { length: WITHHELD, save: async () => {} }))
          : undefined;
        return {
          devices: withheld?.map(({ device }) => device) ?? devices,
          ...(withheld
            ? { releaseWithheld: async () => void (await Promise.all(withheld.map((each) => each.release()))) }
            : {}),
          journal: sinkJournalOf(records, { life: living, turn, ...recordDangers(world, "target") }, decisions),
          ...(found ? { found } : {}),
          async handOver() {
            await living.guard(turn());
            targets.are = "handed over";
            await living.guard(turn());
          },
          close: async () => {},
        };
      },
    });
    begun.ended.then(
      () => undefined,
      () => {
        if (session === begun) session = undefined; // the program has ended
      },
    );
    session = begun;
    takes = [];
  };
  start();

  return {
    accept(wire) {
      if (!session) throw new Error(NOBODY);
      const taken = session.take(wire);
      takes.push(taken);
      void taken.then(() => wire.finish().catch(() => undefined)); // for ever, where the wire swallows it
    },
    async die() {
      if (!session) return;
      kill(world, "sink", life);
      session = undefined;
      isDying = true;
      for (let turns = random.int(50); turns > 0; turns--) await turn();
      if (random.int(2) === 0) {
        strikes.count("target: its host lost power");
        for (const { target } of disks) await target.losePower(random);
      }
      if (records.sink.state !== "committed") await touch();
      isDying = false;
      start();
    },
    startAgain() {
      if (!session && !isDying) start();
    },
    get life() {
      return life;
    },
    async giveUp() {
      const last = session;
      if (!last) return;
      await last.giveUp("the simulation is over");
      await last.ended.catch(() => undefined);
      await Promise.all(takes);
    },
  };

  /** Somebody writes to a target that is not finished. */
  async function touch(): Promise<void> {
    if (random.int(3) > 0) return;
    strikes.count("target: somebody wrote to it between two runs");
    const { target } = random.pick(disks);
    const offset = random.int(target.size / 512) * 512;
    await target.write(offset, [Buffer.alloc(Math.min(4096, target.size - offset), 0xba)]);
    await target.flush();
  }
}

/** What strikes while something is recorded, when it matters the most. */
export function recordDangers(world: World, side: "source" | "target") {
  const { dangers, random, schedule, strikes, aimed } = world;
  return {
    slow(): Promise<void> | undefined {
      if (!dangers.slow || random.int(2) > 0) return undefined;
      strikes.count(`${side}: a record was slow`);
      return schedule.clock.sleep(random.int(random.pick([20, 200, 5000])));
    },
    fault(): boolean {
      if (!dangers.records || random.int(12) > 0) return false;
      strikes.count(`${side}: a record could not be written`);
      return true;
    },
    onTurn(): void {
      if (aimed.left === 0 || random.int(8) > 0) return;
      if (dangers.sourceDies) {
        aimed.left--;
        strikes.count(`source: killed at a record of the ${side}`);
        return aimed.killSource();
      }
      if (!dangers.cuts) return;
      aimed.left--;
      strikes.count("wire: cut at a record");
      aimed.cut();
    },
  };
}
