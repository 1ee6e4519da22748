import type { Clock } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

import { drive } from "./drive.ts";

/**
 * Decides, by a seed, who goes on next. Everything that could take time waits here; when nobody else can move, one of
 * the waiting is let go, any of them. Virtual time passes only when all that is left to do is to wait for it.
 */
export interface Schedule {
  /** Waits for its turn. */
  readonly turn: () => Promise<void>;
  readonly clock: Clock;
  /** Lets turns go, one after the other, until `end` has settled. Throws if nobody can move any more. */
  run<T>(end: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A schedule that has gone on for so long is a livelock. */
const MOST_TURNS = 200_000;

export function createSchedule(random: SeededRandom): Schedule {
  const waiting: (() => void)[] = [];
  const sleeping = new Set<Sleeper>();
  let now = 0;
  let turns = 0;

  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper: Sleeper = {
          until: now + ms,
          wake: () => {
            sleeping.delete(sleeper);
            signal?.removeEventListener("abort", sleeper.wake);
            resolve();
          },
        };
        if (signal?.aborted) return resolve();
        signal?.addEventListener("abort", sleeper.wake);
        sleeping.add(sleeper);
      }),
  };

  const letOneGo = (): void => {
    turns++;
    if (turns > MOST_TURNS) throw new Error(`no end after ${turns} turns`);
    if (waiting.length > 0) {
      now += random.next(); // a turn takes up to a millisecond
      waiting.splice(random.int(waiting.length), 1)[0]!();
      return;
    }
    const next = [...sleeping].toSorted((a, b) => a.until - b.until)[0];
    if (!next) throw new Error("nobody can move any more: something waits for what never comes");
    now = Math.max(now, next.until);
    next.wake();
  };

  return {
    turn: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
      }),
    clock,
    run: (end) => drive(end, letOneGo),
  };
}
