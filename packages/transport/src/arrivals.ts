import type { Connection } from "./connection.ts";
import { TransportError } from "./transport-error.ts";

/** So many peers may wait to be accepted; more are turned away, or a stranger could fill our memory with sockets. */
const WAITING_LIMIT = 128;

/** Peers that have arrived and those who wait for one: the `accept` of every listener. */
export class Arrivals {
  readonly #waiting: Connection[] = [];
  readonly #acceptors: ((peer: Connection | undefined) => void)[] = [];
  readonly #onRefused: ((peer: string, why: string) => void) | undefined;
  #isClosed = false;

  /** `onRefused` hears of each peer that was turned away because too many wait, and why, in a sentence. */
  constructor(onRefused?: (peer: string, why: string) => void) {
    this.#onRefused = onRefused;
  }

  /** Takes ownership of `peer`. */
  add(peer: Connection): void {
    const acceptor = this.#acceptors.shift();
    if (acceptor) return acceptor(peer);
    if (!this.#isClosed && this.#waiting.length < WAITING_LIMIT) return void this.#waiting.push(peer);
    peer.destroy(new Error("nobody accepts"));
    if (!this.#isClosed) this.#onRefused?.(peer.peer, `${WAITING_LIMIT} others waited already to be accepted`);
  }

  /** Gives ownership to the caller. */
  accept(): Promise<Connection | undefined> {
    const peer = this.#waiting.shift();
    if (peer ?? this.#isClosed) return Promise.resolve(peer);
    return new Promise((resolve) => {
      this.#acceptors.push(resolve);
    });
  }

  close(url: string): void {
    this.#isClosed = true;
    for (const acceptor of this.#acceptors.splice(0)) acceptor(undefined);
    const reason = new TransportError("destroyed", url, "the listener was closed before this peer was accepted");
    for (const peer of this.#waiting.splice(0)) peer.destroy(reason);
  }
}
