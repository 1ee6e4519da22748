import type { Clock } from "./clock.ts";

/** Milliseconds of sending that may be done in one go: a second holds one more or one less, which is its error. */
const SLICE_MS = 25;

/** Holds a stream to so many bytes a second. */
export interface Pacer {
  /** Bytes per second; undefined is no limit. May change at any time. */
  setRate(bytesPerSecond: number | undefined): void;
  /** Bytes that may be sent in one go, at least one. */
  readonly slice: number;
  /** Says that so many bytes were sent (negative gives back); gives the milliseconds to wait before the next go. */
  spend(bytes: number): number;
  /** Waits so long, until the signal aborts, or until there is another rate: what was to be waited at the old one is over. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createPacer(clock: Clock, bytesPerSecond: number | undefined, unlimitedSlice: number): Pacer {
  let rate = bytesPerSecond;
  let freeAt = clock.now();
  let wakeUp: (() => void) | undefined;
  return {
    setRate(next) {
      rate = next;
      freeAt = clock.now(); // debts at the old rate would hold a faster one back
      wakeUp?.();
    },
    get slice() {
      return rate === undefined ? unlimitedSlice : Math.max(1, Math.floor((rate * SLICE_MS) / 1000));
    },
    spend(bytes) {
      if (rate === undefined) return 0;
      const now = clock.now();
      // Time in which nothing was sent is not saved up for a burst, beyond one slice.
      freeAt = Math.max(freeAt, now - SLICE_MS) + (bytes * 1000) / rate;
      return Math.max(0, freeAt - now);
    },
    async wait(ms, signal) {
      if (signal.aborted) return;
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      wakeUp = wake;
      signal.addEventListener("abort", wake);
      await clock.sleep(ms, woken.signal);
      signal.removeEventListener("abort", wake); // it lives on
    },
  };
}
