const LEAST_WAIT_MS = 100;
const MOST_WAIT_MS = 5000;

/** A server that is away, or hangs up on whatever it is asked: since when, and how long to wait before the next attempt. */
export class Trouble {
  /** On the clock, in milliseconds. */
  readonly since: number;
  #attempts = 0;

  constructor(since: number) {
    this.since = since;
  }

  /** Longer from time to time, and jittered, or all clients of a server that restarted would come at once, again and again. */
  nextWait(): number {
    const waitMs = Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * 2 ** this.#attempts) * (0.5 + Math.random() / 2);
    this.#attempts += 1;
    return waitMs;
  }
}
