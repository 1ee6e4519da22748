import type { Clock } from "@blkmig/source";

const TICK_MS = 0.25;

/** A clock that goes on a little whenever it is looked at; who sleeps by it sleeps until it is told otherwise. */
export interface StandingClock extends Clock {
  /** Wakes everyone who sleeps for just so long. */
  expire(ms: number): void;
}

export function createStandingClock(): StandingClock {
  const sleepers = new Set<{ readonly ms: number; readonly wake: () => void }>();
  let now = 0;
  return {
    now: () => (now += TICK_MS),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
    expire(ms) {
      for (const sleeper of sleepers) {
        if (sleeper.ms !== ms) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
