import type { Clock } from "./clock.ts";
import { Stop } from "./stop.ts";

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5000;

/** What is left of a connection that broke. */
interface Broken {
  readonly why: string;
  /** Any number that grows when a connection was of use. */
  readonly progress: number;
  /** Milliseconds for which it kept one waiting since it last was of use. */
  readonly owed: number;
}

/** Connects again and again, with growing waits, for as long as nothing comes of it. */
export interface Reconnector<T> {
  /**
   * After a connection that was of use at once; after one that broke before it was, which counts as none, with a longer
   * wait. Throws a `Stop` at once, the signal's reason, or the last failure when time is out.
   */
  connect(attempt: () => Promise<T>, broken: Broken, signal: AbortSignal): Promise<T>;
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
  /** Milliseconds in vain since a connection was of use: without one, or waiting for it. One that was only idle does not count. */
  let spent = 0;
  let connectedAt = -Infinity;
  return {
    async connect(attempt, { why, progress, owed }, signal) {
      const began = clock.now();
      spent = progress > used ? 0 : spent + owed;
      if (progress > used || began - connectedAt >= MOST_WAIT_MS) wait = 0;
      // A receiver that greets, and then cuts, would be greeted for ever: that it can be reached is no progress.
      if (progress === used && spent + wait > within)
        throw new Stop("wire", `the wire breaks before it is of use: ${why}`);
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
