import type { Clock } from "./clock.ts";
import { Stop } from "./stop.ts";

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5000;

/** Connects again and again, with growing waits, for as long as nothing comes of it. */
export interface Reconnector<T> {
  /**
   * `progress` is any number that grows when a connection was of use: a connection that breaks before it was is waited
   * for longer, and counts as none. Throws a `Stop` at once, the signal's reason, or the last failure when time is out.
   */
  connect(attempt: () => Promise<T>, progress: number, signal: AbortSignal): Promise<T>;
}

export interface ReconnectorParts {
  readonly clock: Clock;
  /** How long it is tried, milliseconds. */
  readonly within: number;
  /** Told before each wait that follows a failure. */
  readonly onFailure: (error: unknown, waitMs: number) => void;
}

export function createReconnector<T>({ clock, within, onFailure }: ReconnectorParts): Reconnector<T> {
  let used = -1;
  let wait = 0;
  /** Milliseconds without a connection, since one was of use. Time in which one lived, if idly, does not count. */
  let spent = 0;
  let connectedAt = -Infinity;
  return {
    async connect(attempt, progress, signal) {
      const began = clock.now();
      if (progress > used) spent = 0;
      if (progress > used || began - connectedAt >= MOST_WAIT_MS) wait = 0;
      used = progress;
      for (;;) {
        if (wait > 0) await clock.sleep(wait, signal);
        signal.throwIfAborted();
        wait = Math.min(MOST_WAIT_MS, Math.max(FIRST_WAIT_MS, wait * 2));
        try {
          const connected = await attempt();
          connectedAt = clock.now();
          spent += connectedAt - began;
          return connected;
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof Stop || spent + clock.now() - began + wait > within) throw error;
          onFailure(error, wait);
        }
      }
    },
  };
}
