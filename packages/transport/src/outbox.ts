import type { Segments } from "./connection.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, type WireState } from "./wire-state.ts";

export type Done = (failure?: Error | null) => void;

/** Where bytes leave. Both call back when the system has taken everything, or failed. */
export interface Outlet {
  /** At least one segment, none empty; borrowed until `done`. */
  write(segments: readonly Uint8Array[], done: Done): void;
  end(done: Done): void;
}

/**
 * Whether a send under way may be given up at once when the wire breaks: a socket is closed and reads no memory any
 * more, but what the thread pool has begun cannot be stopped.
 */
export type WhenBroken = "give-up-at-once" | "settle-when-done";

/** The writing half of a connection: what may be sent when, and who must hear that the wire broke. */
export class Outbox {
  readonly #outlet: Outlet;
  readonly #state: WireState;
  readonly #pending = new Set<(error: TransportError) => void>();
  #finishing: Promise<void> | undefined;
  #hasFinished = false;

  constructor(outlet: Outlet, state: WireState, whenBroken: WhenBroken = "give-up-at-once") {
    this.#outlet = outlet;
    this.#state = state;
    if (whenBroken === "settle-when-done") return;
    state.onBreak((error) => {
      for (const reject of this.#pending) reject(error);
      this.#pending.clear();
    });
  }

  /** All that was sent has left and the peer has been told. */
  get hasFinished(): boolean {
    return this.#hasFinished;
  }

  /** Borrows the segments until it settles. */
  send(data: Segments): Promise<void> {
    const { error, url } = this.#state;
    if (error) return Promise.reject(error);
    if (this.#finishing)
      return Promise.reject(new TransportError("finished", url, "nothing can be sent after finish()"));
    const segments = data.filter((segment) => segment.length > 0);
    if (segments.length === 0) return Promise.resolve();
    return this.#settled((done) => this.#outlet.write(segments, done));
  }

  /** Settles when the end has left; twice is once. */
  finish(): Promise<void> {
    this.#finishing ??= this.#end();
    return this.#finishing;
  }

  async #end(): Promise<void> {
    if (this.#state.error) throw this.#state.error;
    await this.#settled((done) => this.#outlet.end(done));
    this.#hasFinished = true;
  }

  #settled(start: (done: Done) => void): Promise<void> {
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
