import { SECTOR } from "./writer-sectors.ts";
import type { MoveTimes, WriterFigures } from "./writer-words.ts";

/** When each write was due, sent and answered. Milliseconds of one clock. */
export interface Latencies {
  add(due: number, sent: number, answered: number): void;
  /** It was due, and still waits to be sent now: it takes at least until then, and is counted, or the worst were left out. */
  addUnsent(due: number, now: number): void;
  /** `idleFrom`: from when on writes are looked at, some time before the move. */
  figures(idleFrom: number, move: MoveTimes): Omit<WriterFigures, "checked">;
}

interface Write {
  readonly due: number;
  /** Infinity: never. */
  readonly sent: number;
  readonly answered: number;
}

/** The pause is known to a millisecond or so: what is due nearer to it may have been held, and is no write of the bulk phase. */
const PAUSE_MS = 5;

export function createLatencies(): Latencies {
  const writes: Write[] = [];

  function span(from: number, to: number) {
    const due = writes.filter((write) => write.due >= from && write.due < to);
    const sent = writes.filter((write) => write.sent >= from && write.sent < to);
    return {
      fromDue: p99Of(due.map((write) => write.answered - write.due)),
      service: p99Of(sent.map((write) => write.answered - write.sent)),
      rate: (sent.length * SECTOR) / ((to - from) / 1000),
    };
  }

  return {
    add: (due, sent, answered) => writes.push({ due, sent, answered }),
    addUnsent: (due, now) => writes.push({ due, sent: Infinity, answered: now }),
    figures(idleFrom, { began, paused }) {
      const [idle, bulk] = [span(idleFrom, began), span(began, paused - PAUSE_MS)];
      const looked = writes.filter(({ due }) => due >= idleFrom);
      return {
        idleRate: idle.rate,
        bulkRate: bulk.rate,
        p99IdleMs: idle.fromDue,
        p99Ms: bulk.fromDue,
        p99IdleServiceMs: idle.service,
        p99ServiceMs: bulk.service,
        longestMs: looked.reduce((longest, { due, answered }) => Math.max(longest, answered - due), 0),
      };
    },
  };
}

function p99Of(figures: readonly number[]): number {
  const sorted = Float64Array.from(figures).toSorted();
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}
