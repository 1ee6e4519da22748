import type { QmpEvent } from "./qmp-contract.ts";

interface Listening {
  readonly arrive: (event: QmpEvent) => void;
  readonly end: () => void;
}

/** Who wants to hear of events. */
export class QmpEvents {
  readonly #listening = new Set<Listening>();
  #hasEnded = false;

  watch(listener: (event: QmpEvent) => void): () => void {
    return this.#add({ arrive: listener, end: () => {} });
  }

  /** Keeps what comes until it is asked for. */
  stream(): AsyncIterableIterator<QmpEvent> {
    const kept: QmpEvent[] = [];
    const asking: ((result: IteratorResult<QmpEvent>) => void)[] = [];
    let hasEnded = this.#hasEnded;
    const arrive = (event: QmpEvent): void => {
      const ask = asking.shift();
      if (ask) ask({ done: false, value: event });
      else kept.push(event);
    };
    const end = (): void => {
      hasEnded = true;
      for (const ask of asking.splice(0)) ask({ done: true, value: undefined });
    };
    const leave = this.#add({ arrive, end });
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const event = kept.shift();
        if (event) return { done: false, value: event };
        if (hasEnded) return { done: true, value: undefined };
        return new Promise((resolve) => asking.push(resolve));
      },
      async return() {
        leave();
        kept.length = 0;
        end();
        return { done: true, value: undefined };
      },
    };
  }

  tell(event: QmpEvent): void {
    // Not to those that a listener adds now: for them it is past. Nor to those that one takes away now.
    const present = Array.from(this.#listening);
    for (const listening of present) {
      if (this.#listening.has(listening)) listening.arrive(event);
    }
  }

  end(): void {
    this.#hasEnded = true;
    for (const { end } of this.#listening) end();
    this.#listening.clear();
  }

  #add(listening: Listening): () => void {
    if (!this.#hasEnded) this.#listening.add(listening);
    return () => void this.#listening.delete(listening);
  }
}
