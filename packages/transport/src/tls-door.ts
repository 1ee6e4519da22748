import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

import { type TlsOptions, toListenSettings } from "./tls-options.ts";
import { explainRefusal } from "./tls-sentences.ts";
import { createTlsServers, type TlsServers } from "./tls-servers.ts";

/** So many peers may be in their handshake at once; or strangers could keep us busy: the longest makes room, for who means well is quick. */
const AT_ONCE = 64;

export interface DoorOptions {
  /** A peer that is not ready in that time is dropped. */
  readonly handshakeTimeoutMs: number;
  /** Hears of each peer that was turned away, and why, in a sentence. */
  readonly onRefused?: ((peer: string, why: string) => void) | undefined;
}

/** A peer that has arrived and is not yet a connection. */
export interface Newcomer {
  readonly peer: string;
  /** What its encrypted bytes come by, not half-open; closed when it is turned away. */
  readonly raw: Socket;
  /** Called once the handshake is done; the peer stays a newcomer, and may be dropped, until `enter` is called. */
  readonly onSecure: (socket: TLSSocket, enter: () => void) => void;
}

/** Where peers prove who they are, one by one and not for ever. */
export class TlsDoor {
  readonly #tls: TlsOptions;
  readonly #options: DoorOptions;
  /** In the order of their coming, each with its way out. */
  readonly #inside = new Map<Socket, (why: string) => void>();
  readonly #servers: TlsServers;

  /** Throws a `TypeError` for options that can be no key. */
  constructor(tls: TlsOptions, options: DoorOptions) {
    this.#servers = createTlsServers(toListenSettings(tls), AT_ONCE);
    this.#tls = tls;
    this.#options = options;
  }

  /** Takes ownership of the newcomer's sockets until it enters. */
  admit({ peer, raw, onSecure }: Newcomer): void {
    const { handshakeTimeoutMs, onRefused } = this.#options;
    raw.on("error", () => {}); // it closes as well
    const [longest] = this.#inside.values();
    if (this.#inside.size >= AT_ONCE) longest?.(`it was not ready when ${AT_ONCE} others had come after it`);
    const drop = (why: string): void => {
      refuse(why);
      raw.destroy();
    };
    this.#inside.set(raw, drop);
    const leave = () => {
      clearTimeout(timer);
      return this.#inside.delete(raw);
    };
    const refuse = (why: string) => {
      if (leave()) onRefused?.(peer, why);
    };
    const timer = setTimeout(() => drop(`it was not ready within ${handshakeTimeoutMs} ms`), handshakeTimeoutMs);
    raw.on("close", () => setImmediate(refuse, "it went away during the handshake")); // or TLS says more, closing after it
    this.#servers.receive(raw, {
      onSecure: (socket) => onSecure(socket, leave),
      onError: (error, socket) => {
        refuse(explainRefusal(error, nameOf(socket.authorizationError), this.#tls));
        raw.destroySoon(); // not at once: it shall hear why
      },
    });
  }

  /** Drops who has not entered. */
  close(): void {
    const dropped = [...this.#inside.keys()];
    this.#inside.clear(); // first: they were not refused
    for (const raw of dropped) raw.destroy();
  }
}

/** Its type says `Error`, and it is a code. */
function nameOf(authorizationError: unknown): string | undefined {
  return typeof authorizationError === "string" ? authorizationError : undefined;
}
