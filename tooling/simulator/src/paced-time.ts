import type { Clock } from "@blkmig/source";

import { drive } from "./drive.ts";

/**
 * Virtual time for what is measured: it passes only when nobody can go on by himself, and then to the next instant for
 * which somebody waits. Nothing is random here, and nobody takes longer than he says: a rate is exact.
 */
export interface PacedTime {
  readonly clock: Clock;
  /** Lets time pass until `end` has settled. Throws if nobody waits for any more of it, or for longer than a day. */
  run<T>(end: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function createPacedTime(): PacedTime {
  /** By the instant that they wait for, the last one first. */
  const sleeping: Sleeper[] = [];
  let now = 0;

  /** Before those that wait for the same instant and came earlier: who came first is woken first. */
  const add = (sleeper: Sleeper): void => {
    let at = sleeping.length;
    while (at > 0 && sleeping[at - 1]!.until <= sleeper.until) at--;
    sleeping.splice(at, 0, sleeper);
  };

  const wakeNext = (): void => {
    const first = sleeping.at(-1);
    if (!first) throw new Error("nobody can move any more: something waits for what never comes");
    if (first.until > DAY_MS) throw new Error("no end after a day");
    now = Math.max(now, first.until);
    while (sleeping.at(-1)?.until === first.until) sleeping.pop()!.wake();
  };

  return {
    clock: {
      now: () => now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const onAbort = (): void => {
            sleeping.splice(sleeping.indexOf(sleeper), 1);
            resolve();
          };
          const sleeper = {
            until: now + Math.max(0, ms),
            wake: () => {
              signal?.removeEventListener("abort", onAbort);
              resolve();
            },
          };
          signal?.addEventListener("abort", onAbort, { once: true });
          add(sleeper);
        }),
    },
    run: (end) => drive(end, wakeNext),
  };
}
