import type { QmpEvent } from "./qmp-contract.ts";
import { QmpMalformed } from "./qmp-malformed.ts";

/** Events that nobody has asked for yet, and the bytes of their lines: who reads them reads them in time. */
const MOST_KEPT = 10_000;
const MOST_KEPT_BYTES = 16 * 1024 * 1024;

interface Listening {
  readonly arrive: (event: QmpEvent, bytes: number) => void;
  readonly end: () => void;
}

/** Who wants to hear of events. */
export class QmpEvents {
  readonly #listening = new Set<Listening>();
  #hasEnded = false;

  watch(listener: (event: QmpEvent) => void): () => void {
    return this.#add({ arrive: listener, end: () => {} });
  }

  /** Keeps what comes until it is asked for, within a limit. */
  stream(): AsyncIterableIterator<QmpEvent> {
    const kept: { readonly event: QmpEvent; readonly bytes: number }[] = [];
    let keptBytes = 0;
    const asking: ((result: IteratorResult<QmpEvent>) => void)[] = [];
    let hasEnded = this.#hasEnded;
    const arrive = (event: QmpEvent, bytes: number): void => {
      const ask = asking.shift();
      if (ask) return ask({ done: false, value: event });
      keptBytes += bytes;
      if (kept.push({ event, bytes }) <= MOST_KEPT && keptBytes <= MOST_KEPT_BYTES) return;
      throw new QmpMalformed("more events than anybody has asked for");
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
        const first = kept.shift();
        keptBytes -= first?.bytes ?? 0;
        if (first) return { done: false, value: first.event };
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

  /** `bytes`: of its line. Throws `QmpMalformed` if somebody keeps too many. */
  tell(event: QmpEvent, bytes: number): void {
    // Not to those that a listener adds now: for them it is past. Nor to those that one takes away now.
    const present = Array.from(this.#listening);
    for (const listening of present) {
      if (this.#listening.has(listening)) listening.arrive(event, bytes);
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
