import type { Clock } from "./clock.ts";
import { Stop } from "./stop.ts";

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5000;

export interface ReconnectParts<T> {
  readonly attempt: () => Promise<T>;
  /** How long it is tried, milliseconds. */
  readonly within: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onFailure: (error: unknown, waitMs: number) => void;
}

/** Tries again with growing waits. Throws a `Stop` at once, or the last failure when time is out. */
export async function reconnect<T>({ attempt, within, clock, signal, onFailure }: ReconnectParts<T>): Promise<T> {
  const until = clock.now() + within;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(MOST_WAIT_MS, wait * 2)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Stop || clock.now() + wait > until) throw error;
      onFailure(error, wait);
      await clock.sleep(wait, signal);
    }
  }
}
