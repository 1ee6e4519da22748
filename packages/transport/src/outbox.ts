import type { Writable } from "node:stream";

import type { Segments } from "./connection.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, type WireState } from "./wire-state.ts";

/** The writing half of a connection over a Node stream. */
export class Outbox {
  readonly #stream: Writable;
  readonly #state: WireState;
  readonly #pending = new Set<(error: TransportError) => void>();
  #finishing: Promise<void> | undefined;
  #hasFinished = false;

  constructor(stream: Writable, state: WireState) {
    this.#stream = stream;
    this.#state = state;
    state.onBreak((error) => {
      for (const reject of this.#pending) reject(error);
      this.#pending.clear();
    });
  }

  /** All that was sent has left and the peer has been told. */
  get hasFinished(): boolean {
    return this.#hasFinished;
  }

  /**
   * Borrows the segments until it settles. It settles by the callback of the last write: what `write` returns only says
   * how much is queued, and the memory is still being read then.
   */
  send(data: Segments): Promise<void> {
    const { error, url } = this.#state;
    if (error) return Promise.reject(error);
    if (this.#finishing)
      return Promise.reject(new TransportError("finished", url, "nothing can be sent after finish()"));
    const segments = data.filter((segment) => segment.length > 0);
    if (segments.length === 0) return Promise.resolve();
    return this.#settled((done) => {
      this.#stream.cork(); // or every small header would be a packet of its own
      segments.forEach((segment, i) => this.#stream.write(segment, i === segments.length - 1 ? done : undefined));
      this.#stream.uncork();
    });
  }

  /** Settles when the stream has been ended and flushed; twice is once. */
  finish(): Promise<void> {
    this.#finishing ??= this.#end();
    return this.#finishing;
  }

  async #end(): Promise<void> {
    if (this.#state.error) throw this.#state.error;
    await this.#settled((done) => this.#stream.end(done));
    this.#hasFinished = true;
  }

  #settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      start((failure) => {
        this.#pending.delete(reject);
        if (failure) this.#state.break(toTransportError(this.#state.url, failure));
        const { error } = this.#state; // a socket destroyed in mid-write calls back without an error
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
