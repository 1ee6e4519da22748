import type { MoveTimes, WriterFigures } from "./writer-words.ts";

/** When each write was due, sent and answered. Milliseconds of one clock. */
export interface Latencies {
  add(due: number, sent: number, answered: number): void;
  /** `idleFrom`: from when on writes are looked at, some time before the move. */
  figures(idleFrom: number, move: MoveTimes): Omit<WriterFigures, "checked">;
}

interface Write {
  readonly due: number;
  readonly service: number;
  readonly fromDue: number;
}

/** The pause is known to a millisecond or so: what is due nearer to it may have been held, and is no write of the bulk phase. */
const PAUSE_MS = 5;

export function createLatencies(): Latencies {
  const writes: Write[] = [];
  return {
    add: (due, sent, answered) => writes.push({ due, service: answered - sent, fromDue: answered - due }),
    figures(idleFrom, { began, paused }) {
      const dueIn = (from: number, to: number) => writes.filter(({ due }) => due >= from && due < to);
      const idle = dueIn(idleFrom, began);
      const bulk = dueIn(began, paused - PAUSE_MS);
      return {
        writes: writes.length,
        p99IdleMs: p99Of(idle.map(({ fromDue }) => fromDue)),
        p99Ms: p99Of(bulk.map(({ fromDue }) => fromDue)),
        p99IdleServiceMs: p99Of(idle.map(({ service }) => service)),
        p99ServiceMs: p99Of(bulk.map(({ service }) => service)),
        longestMs: dueIn(idleFrom, Infinity).reduce((longest, { fromDue }) => Math.max(longest, fromDue), 0),
      };
    },
  };
}

function p99Of(figures: readonly number[]): number {
  const sorted = Float64Array.from(figures).toSorted();
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}
