/** The time, handed in at the top so that whole migrations run in virtual time. */
export interface Clock {
  /** Milliseconds, growing, from any start. */
  now(): number;
  /** Settles after `ms` milliseconds, or at once when the signal aborts (it does not throw). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. Who sleeps keeps the process alive: it may be a guest's write that is not answered yet. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done);
    }),
};
