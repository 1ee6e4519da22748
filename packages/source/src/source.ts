import { createBufferPool, type DirtySet } from "@blkmig/device";

import { createBulkProgress } from "./bulk-progress.ts";
import { createCarrier } from "./carrier.ts";
import { claimGaps, claimWhole } from "./claims.ts";
import { createClassicOutlet } from "./classic-outlet.ts";
import { createDiskWork, type DiskWork, pendingBytes, rewind, takeWrites, viewOf } from "./disk-work.ts";
import { createFlights, type Flights } from "./flights.ts";
import { createMeter } from "./meter.ts";
import type { Outlet } from "./outlet.ts";
import { nextStep, type Step, type View } from "./plan.ts";
import type { MigrationSource, Source, SourceOptions, SourceParts } from "./source-contract.ts";
import { messageOf, Stop } from "./stop.ts";

/** Busy milliseconds after which a measured rate counts half. */
const RATE_MEMORY_MS = 1000;

/** A source of a classic stream. */
export function createSource(options: SourceOptions): Source {
  const flights = createFlights();
  return createSourceOf(createClassicOutlet(options.format, options.wire, flights), flights, options);
}

/** A source whose frames leave by any outlet. */
export function createSourceOf(outlet: Outlet, flights: Flights, options: SourceParts): MigrationSource {
  const { disks, tracker, clock } = options;
  const { unit } = outlet;
  const bufferBytes = outlet.mostBytes;
  const buffers = Math.max(1, Math.floor(options.bufferedBytes / bufferBytes));
  const asks = outlet.zeroes || options.incremental === true;
  const work = disks.map((disk, index) => createDiskWork(disk, index, unit));
  for (const each of work) each.askBytes = outlet.firstAsk;
  const progress = createBulkProgress(work);
  const data = createMeter(clock, RATE_MEMORY_MS);
  const zero = createMeter(clock, RATE_MEMORY_MS);
  const reading = createMeter(clock);
  const dirtied = createMeter(clock, RATE_MEMORY_MS);
  const pool = createBufferPool({ bytes: bufferBytes, count: buffers });
  const carrier = createCarrier({ pool, buffers, outlet, flights, clock, meters: { data, zero, reading } });

  let phase: View["phase"] = work.length === 0 ? "dirty" : "bulk";
  let turn = 0;
  /** How many passes have begun with a question to the tracker, and whether the next question begins one. */
  let syncs = 0;
  let isPassAhead = false;
  /** Whether what is claimed was sent by us, and waits only to be read back. */
  let verifying = false;
  let submitted = 0;
  let compared = 0;

  const dirtyBytes = (): number => work.reduce((sum, { todo }) => sum + todo.bytes, 0);
  const claimedBytes = (): number => work.reduce((sum, { claimed }) => sum + claimed.bytes, 0);
  const remaining = (): number => work.reduce((sum, each) => sum + pendingBytes(each), 0);

  const sync = async (): Promise<void> => {
    if (isPassAhead) syncs++;
    isPassAhead = false;
    if (!tracker) return;
    let sets: readonly DirtySet[];
    try {
      sets = await tracker.sync();
    } catch (cause) {
      throw new Stop("device", messageOf(cause), { cause });
    }
    let marked = 0;
    for (const each of work) {
      const set = sets[options.trackedAs?.[each.index] ?? each.index];
      if (!set) throw new Stop("device", "the tracker does not know all the disks");
      marked += takeWrites(each, set);
    }
    dirtied.end(marked);
    dirtied.begin();
  };

  /** More would only wait: its reads grow old, and whatever must be said meanwhile waits behind it. */
  const isFull = (): boolean => {
    if (!outlet.mostUnderWay || carrier.underWay === 0) return false;
    const { rate } = data;
    return (
      carrier.underWay >=
      (rate === undefined ? outlet.mostUnderWay(0, 0) : outlet.mostUnderWay(rate, carrier.quickestMs))
    );
  };

  const view = (budget: number): View => ({
    phase,
    turn,
    disks: work.map((each) => diskView(each, budget - submitted)),
    todo: work.some(({ todo }) => todo.bytes > 0),
    flights: carrier.flights,
    mayRead: carrier.reads < options.reads && carrier.hasBuffer && outlet.open && !isFull(),
    spent: submitted >= budget,
  });

  /** One read takes no more than is left of the budget, so that a slow stream is even. */
  const diskView = (each: DiskWork, left: number): View["disks"][number] => {
    const most = Math.max(unit, Math.min(outlet.mostBytes, bufferBytes, Math.floor(left / unit) * unit));
    const known = !asks || each.cursor < each.dataUntil;
    const seen = viewOf(each, known ? most : each.askBytes);
    if (!seen.run || seen.busy || !asks) return { ...seen, data: !asks || seen.data };
    // What the guest has just written is hardly a hole: to ask costs more than to read what turns out to be zero.
    if (phase === "dirty" && seen.run.length <= most) return { ...seen, data: true };
    return seen;
  };

  const onCompared = (bytes: number): void => {
    compared += bytes;
  };

  const perform = async (step: Extract<Step, { disk: number }>): Promise<void> => {
    const each = work[step.disk]!;
    turn = (step.disk + 1) % work.length;
    const percent = outlet.progress && phase === "bulk" ? progress.before(each, step.run.offset) : undefined;
    if (percent !== undefined) outlet.progress?.(percent);
    if (step.do === "ask") {
      // A wire that tells how far it is tells so between two frames: zeroes must not leap over that.
      const most = outlet.progress && phase === "bulk" ? progress.same(each, step.run.offset, unit) : Infinity;
      submitted += await carrier.ask(each, step.run, most, options.incremental === true && phase === "bulk");
      return;
    }
    submitted += step.run.length;
    const onZero = (bytes: number): void => {
      submitted -= bytes;
    };
    carrier.read(each, step.run, onZero, onCompared);
  };

  /** Takes steps until the budget is used up (false) or the pass has ended (true). */
  const sweep = async (budget: number): Promise<boolean> => {
    for (;;) {
      flights.check();
      const step = nextStep(view(budget));
      switch (step.do) {
        case "ask":
        case "read":
          await perform(step);
          break;
        case "settle":
          await flights.firstSettled();
          break;
        case "yield":
          return false;
        case "end-pass":
          return true;
      }
    }
  };

  const endPass = (): void => {
    phase = "dirty";
    for (const each of work) rewind(each);
    outlet.endPass();
    isPassAhead = true;
  };

  const drain = async (): Promise<void> => {
    while (flights.count > 0) await flights.firstSettled();
    flights.check();
  };

  const rest = async (): Promise<void> => {
    if (phase === "bulk") throw new Error("complete() in the bulk phase would lose what it has not reached");
    do {
      endPass();
      await sync(); // after the pause: only now is every write of the guest marked
      await sweep(Infinity);
    } while (remaining() > 0);
    outlet.endTurn();
    await drain();
  };

  return {
    rest,
    async setup() {
      try {
        await tracker?.start();
      } catch (cause) {
        throw new Stop("device", `the writes of the guest cannot be tracked: ${messageOf(cause)}`, { cause });
      }
      dirtied.begin();
      outlet.begin();
    },
    async pending() {
      await sync();
      return remaining();
    },
    async iterate(budget) {
      const passEnded = await sweep(budget);
      // Only mirrored writes are left: without a wait nobody else would ever get a turn.
      if (passEnded && submitted <= 0) await flights.firstSettled();
      outlet.endTurn();
      if (passEnded) endPass();
      const spent = { submitted, compared };
      compared = 0;
      submitted = 0; // not at the next turn's begin: what turns out to be zero between two turns is given back
      return { passEnded, ...spent };
    },
    async complete(beforeLast) {
      await rest();
      await beforeLast();
      outlet.last();
      await drain();
    },
    async cleanup() {
      await flights.allSettled();
      await tracker?.stop();
    },
    acknowledge: (ping) => outlet.acknowledge?.(ping),
    fail: (reason) => flights.fail(reason),
    async mend() {
      await flights.allSettled();
      flights.forget();
    },
    doubt(held) {
      verifying = false;
      phase = work.length === 0 ? "dirty" : "bulk";
      for (const each of work) {
        each.todo.markAll();
        each.claimed.clearAll();
        each.verified.clearAll();
        rewind(each);
        for (const run of held[each.index] ?? []) claimWhole(each, run);
      }
    },
    claimUnverified() {
      verifying = true;
      const before = claimedBytes();
      for (const each of work) claimGaps(each);
      return claimedBytes() - before;
    },
    works: work,
    get bulkDone() {
      return phase === "dirty";
    },
    get figures() {
      return {
        transferred: outlet.transferred,
        acknowledged: outlet.acknowledged,
        remaining: remaining(),
        toVerify: verifying ? claimedBytes() : 0,
        dirty: dirtyBytes(),
        dirtySyncCount: syncs,
        dirtyRate: dirtied.rate ?? 0,
        bandwidth: data.rate ?? zero.rate,
        readBandwidth: reading.rate,
        verified: work.reduce((sum, { verified }) => sum + verified.bytes, 0),
        differed: work.reduce((sum, { differedBytes }) => sum + differedBytes, 0),
        work,
      };
    },
  };
}
