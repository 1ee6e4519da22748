import { createServer, type Socket } from "node:net";

import { Arrivals } from "./arrivals.ts";
import type { Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { tlsUrl } from "./tls-connect.ts";
import { createTlsConnectionOn } from "./tls-connection.ts";
import { TlsDoor } from "./tls-door.ts";
import type { TlsOptions } from "./tls-options.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./ws-limits.ts";

/** Where to listen, and how both prove who they are. */
export interface TlsListenOptions {
  /** An address of this machine, `0.0.0.0` or `::` for all of them; IPv6 without brackets. */
  readonly host: string;
  /** 0 picks a free one; `url` of the listener says which. */
  readonly port: number;
  readonly tls: TlsOptions;
  /** A peer whose handshake takes longer is dropped. Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** Hears of each peer that was turned away (`tls://10.0.0.2:4711`), and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/**
 * Listens for TLS 1.3 and nothing else; only peers that have proved who they are arrive. An end of `tls:` is an end of `tcp:`,
 * not proof that the peer has said all (see `connectTls`). Throws `TransportError` `listen`, and `TypeError` for options that
 * can be no key.
 */
export async function listenTls(options: TlsListenOptions): Promise<Listener> {
  const { host, port, tls, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS, onRefused } = options;
  const arrivals = new Arrivals(onRefused);
  const door = new TlsDoor(tls, { handshakeTimeoutMs, onRefused });
  // Not half-open before it is secure: a handshake left in the middle would keep its place at the door.
  const server = createServer({ pauseOnConnect: true, ...TCP_SOCKET, allowHalfOpen: false });
  server.on("connection", (raw: Socket) => {
    const peer = tlsUrl(raw.remoteAddress ?? host, raw.remotePort ?? 0);
    door.admit({
      peer,
      raw,
      onSecure(socket, enter) {
        enter();
        socket.allowHalfOpen = true;
        const arrived = createTlsConnectionOn(raw, socket, peer); // in this very moment: an early end would be lost
        setImmediate(() => arrivals.add(arrived)); // not within OpenSSL: what is let go of there crashes, or goes unsaid
      },
    });
  });
  await listenOn(server, { host, port }, tlsUrl(host, port));
  const url = tlsUrl(host, (server.address() as { port: number }).port);
  return {
    url,
    accept: () => arrivals.accept(),
    close() {
      server.close(); // without waiting: it would wait for the peers that live on
      door.close();
      arrivals.close(url);
      return Promise.resolve();
    },
  };
}
