import type { Connection } from "./connection.ts";
import { TransportError } from "./transport-error.ts";

/** So many peers may wait to be accepted; more are turned away, or a stranger could fill our memory with sockets. */
const WAITING_LIMIT = 128;

/** Peers that have arrived and those who wait for one: the `accept` of every listener. */
export class Arrivals {
  readonly #waiting: Connection[] = [];
  readonly #acceptors: ((peer: Connection | undefined) => void)[] = [];
  #isClosed = false;

  /** Takes ownership of `peer`. */
  add(peer: Connection): void {
    const acceptor = this.#acceptors.shift();
    if (acceptor) acceptor(peer);
    else if (this.#isClosed || this.#waiting.length >= WAITING_LIMIT) peer.destroy(new Error("nobody accepts"));
    else this.#waiting.push(peer);
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
