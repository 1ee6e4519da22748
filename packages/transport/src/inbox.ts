import type { TransportError } from "./transport-error.ts";

type Waiting = {
  readonly into: Uint8Array;
  readonly resolve: (n: number) => void;
  readonly reject: (e: Error) => void;
};

type Ending = { readonly why: "end" } | { readonly why: "broken"; readonly error: TransportError };

/**
 * The reading half of a connection whose bytes arrive by events: a short queue of chunks and the one read that may
 * wait. Bytes are copied into the reader's memory inside `read` or `arrive`, never later, so nothing can land there
 * once the read has settled.
 */
export class Inbox {
  readonly #ask: () => void;
  readonly #held: Uint8Array[] = [];
  #waiting: Waiting | undefined;
  #ending: Ending | undefined;

  /** `ask` is called when a read waits and nothing is held; it may call `arrive` at once. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get hasEnded(): boolean {
    return this.#ending?.why === "end";
  }

  /** Borrows `into` until it settles. */
  read(into: Uint8Array): Promise<number> {
    if (this.#waiting) return Promise.reject(new TypeError("a read is under way already: only one at a time"));
    if (into.length === 0) return Promise.reject(new RangeError("cannot read into an empty buffer"));
    return new Promise((resolve, reject) => {
      this.#waiting = { into, resolve, reject };
      this.#settle();
      if (this.#waiting) this.#ask();
    });
  }

  /** Borrows `chunk` until all of it was read: `isEmpty` says so, and `ask` is not called before. */
  arrive(chunk: Uint8Array): void {
    if (this.#ending || chunk.length === 0) return;
    this.#held.push(chunk);
    this.#settle();
  }

  /** The peer has finished: what is held is read first. */
  end(): void {
    this.#ending ??= { why: "end" };
    this.#settle();
  }

  /** The peer broke the wire: what is held is read first; after an end it changes nothing. */
  fail(error: TransportError): void {
    this.#ending ??= { why: "broken", error };
    this.#settle();
  }

  /** This side broke the wire: what is held is dropped, an end is forgotten. */
  drop(error: TransportError): void {
    this.#held.length = 0;
    this.#ending = { why: "broken", error };
    this.#settle();
  }

  #settle(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#held.length > 0) {
      this.#waiting = undefined;
      waiting.resolve(this.#take(waiting.into));
    } else if (this.#ending) {
      this.#waiting = undefined;
      if (this.#ending.why === "end") waiting.resolve(0);
      else waiting.reject(this.#ending.error);
    }
  }

  #take(into: Uint8Array): number {
    let filled = 0;
    while (filled < into.length) {
      const chunk = this.#held[0];
      if (!chunk) break;
      const piece = chunk.subarray(0, into.length - filled);
      into.set(piece, filled);
      filled += piece.length;
      if (piece.length === chunk.length) this.#held.shift();
      else this.#held[0] = chunk.subarray(piece.length);
    }
    return filled;
  }
}
