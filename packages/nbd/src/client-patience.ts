import type { Clock } from "@blkmig/device";

/** The limit in this many naps: who was stopped for hours, and the server with it, wakes at the end of one of them and not of all. */
const NAPS = 4;

/** The server is connected, and says nothing to what it was asked. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

export interface PatienceOptions {
  readonly clock: Clock;
  /** Milliseconds; Infinity: without end. */
  readonly answerWithin: number;
  /** Nothing was heard for that long, and at most a quarter longer. */
  readonly onEnd: (why: Unanswered) => void;
}

/**
 * How long one connection's server may leave all that it was asked unanswered. One timer, whatever the number of requests, and none
 * while there are none: it would keep the process alive.
 */
export class Patience {
  readonly #options: PatienceOptions;
  #waiting: AbortController | undefined;
  #hasHeard = false;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Something is asked. What is under way already has its own beginning: who asks more and more may not wait for ever. */
  begin(): void {
    if (this.#waiting || this.#options.answerWithin === Infinity) return;
    this.#waiting = new AbortController();
    void this.#wait(this.#waiting.signal);
  }

  /** Some of an answer has come: a large one may take long. */
  renew(): void {
    this.#hasHeard = true;
  }

  /** Nothing is under way any more. */
  end(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { clock, answerWithin, onEnd } = this.#options;
    for (let naps = 0; naps < NAPS; naps += 1) {
      this.#hasHeard = false;
      await clock.sleep(answerWithin / NAPS, signal);
      if (signal.aborted) return;
      if (this.#hasHeard) naps = -1;
    }
    onEnd(new Unanswered(`the server did not answer within ${answerWithin / 1000} s`));
  }
}
