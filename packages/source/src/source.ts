import { createBufferPool, type DirtySet } from "@blkmig/device";

import { createBulkProgress } from "./bulk-progress.ts";
import { createCarrier } from "./carrier.ts";
import { createDiskWork, type DiskWork, pendingBytes, rewind, viewOf } from "./disk-work.ts";
import { createFlights } from "./flights.ts";
import { createMeter } from "./meter.ts";
import { createOutlet } from "./outlet.ts";
import { nextStep, type Step, type View } from "./plan.ts";
import type { Source, SourceOptions } from "./source-contract.ts";
import { messageOf, Stop } from "./stop.ts";

/** How many units at most are asked about, and sent as zero, in one go. */
const ASK_UNITS = 4096;
/** Busy milliseconds after which a measured rate counts half. */
const RATE_MEMORY_MS = 1000;

export function createSource(options: SourceOptions): Source {
  const { disks, format, tracker, clock } = options;
  const { unit } = format;
  const buffers = Math.max(1, Math.floor(options.bufferedBytes / unit));
  const asks = format.zeroes || options.incremental === true;
  const work = disks.map((disk) => createDiskWork(disk, unit));
  const progress = createBulkProgress(work);
  const flights = createFlights();
  const outlet = createOutlet(format, options.wire, flights);
  const data = createMeter(clock, RATE_MEMORY_MS);
  const zero = createMeter(clock, RATE_MEMORY_MS);
  const reading = createMeter(clock);
  const dirtied = createMeter(clock, RATE_MEMORY_MS);
  const pool = createBufferPool({ bytes: unit, count: buffers });
  const carrier = createCarrier({ format, pool, buffers, outlet, flights, meters: { data, zero, reading } });

  let phase: View["phase"] = work.length === 0 ? "dirty" : "bulk";
  let turn = 0;
  let syncs = 0;
  let submitted = 0;

  const dirtyBytes = (): number => work.reduce((sum, { todo }) => sum + todo.bytes, 0);
  const remaining = (): number => work.reduce((sum, each) => sum + pendingBytes(each), 0);

  const sync = async (): Promise<void> => {
    if (!tracker) return;
    let sets: readonly DirtySet[];
    try {
      sets = await tracker.sync();
    } catch (cause) {
      throw new Stop("device", messageOf(cause), { cause });
    }
    let marked = 0;
    for (const [index, { todo }] of work.entries()) {
      const set = sets[options.trackedAs?.[index] ?? index];
      if (!set) throw new Stop("device", "the tracker does not know all the disks");
      todo.merge(set);
      for (const { length } of set.runs()) marked += length;
    }
    dirtied.end(marked);
    dirtied.begin();
  };

  const view = (budget: number): View => ({
    phase,
    turn,
    disks: work.map((each) => diskView(each)),
    todo: work.some(({ todo }) => todo.bytes > 0),
    flights: flights.count,
    mayRead: carrier.reads < options.reads && carrier.hasBuffer,
    spent: submitted >= budget,
  });

  const diskView = (each: DiskWork): View["disks"][number] => {
    const known = !asks || each.cursor < each.dataUntil;
    const seen = viewOf(each, known ? unit : ASK_UNITS * unit);
    if (!seen.run || seen.busy || !asks) return { ...seen, data: !asks || seen.data };
    if (seen.data || phase === "dirty") return seen;
    const { offset, length } = seen.run;
    return { ...seen, run: { offset, length: Math.min(length, progress.same(each, offset, unit)) } };
  };

  const perform = async (step: Extract<Step, { disk: number }>): Promise<void> => {
    const each = work[step.disk]!;
    turn = (step.disk + 1) % work.length;
    const percent = phase === "bulk" ? progress.before(each, step.run.offset) : undefined;
    if (percent !== undefined) outlet.post(format.progress(percent));
    if (step.do === "ask") {
      submitted += await carrier.ask(each, step.run, options.incremental === true && phase === "bulk");
      return;
    }
    submitted += unit;
    carrier.read(each, step.run, () => {
      submitted -= unit;
    });
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

  const beginPass = async (): Promise<void> => {
    phase = "dirty";
    for (const each of work) rewind(each);
    await sync();
    syncs++;
  };

  const drain = async (): Promise<void> => {
    while (flights.count > 0) await flights.firstSettled();
    flights.check();
  };

  return {
    async setup() {
      try {
        await tracker?.start();
      } catch (cause) {
        throw new Stop("device", `the writes of the guest cannot be tracked: ${messageOf(cause)}`, { cause });
      }
      dirtied.begin();
      outlet.postWhole(format.setup());
    },
    async pending() {
      await sync();
      return remaining();
    },
    async iterate(budget) {
      submitted = 0;
      await sync();
      const passEnded = await sweep(budget);
      outlet.endSection();
      if (passEnded) await beginPass();
      return { passEnded, submitted };
    },
    async complete(beforeLast) {
      if (phase === "bulk") throw new Error("complete() in the bulk phase would lose what it has not reached");
      do {
        await beginPass(); // after the pause: only now is every write of the guest marked
        await sweep(Infinity);
      } while (remaining() > 0);
      outlet.endSection();
      await drain();
      await beforeLast();
      outlet.postWhole(format.last());
      await drain();
    },
    async cleanup() {
      await flights.allSettled();
      await tracker?.stop();
    },
    acknowledge: (ping) => outlet.acknowledge(ping),
    fail: (reason) => flights.fail(reason),
    get bulkDone() {
      return phase === "dirty";
    },
    get figures() {
      return {
        transferred: outlet.transferred,
        acknowledged: outlet.acknowledged,
        remaining: remaining(),
        dirty: dirtyBytes(),
        dirtySyncCount: syncs,
        dirtyRate: dirtied.rate ?? 0,
        bandwidth: data.rate ?? zero.rate,
        readBandwidth: reading.rate,
        work,
      };
    },
  };
}
