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
  let until = 0;
  return {
    async connect(attempt, progress, signal) {
      if (progress > used) {
        wait = 0;
        until = clock.now() + within;
      }
      used = progress;
      for (;;) {
        if (wait > 0) await clock.sleep(wait, signal);
        signal.throwIfAborted();
        wait = Math.min(MOST_WAIT_MS, Math.max(FIRST_WAIT_MS, wait * 2));
        try {
          return await attempt();
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof Stop || clock.now() + wait > until) throw error;
          onFailure(error, wait);
        }
      }
    },
  };
}
