import { createServer, type Socket } from "node:net";

import { Arrivals } from "./arrivals.ts";
import { CipherStream } from "./cipher-stream.ts";
import type { Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { tlsUrl } from "./tls-connect.ts";
import { createTlsConnection } from "./tls-connection.ts";
import { TlsDoor } from "./tls-door.ts";
import type { TlsOptions } from "./tls-options.ts";
import { TransportError } from "./transport-error.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./ws-limits.ts";

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
 * Listens for TLS 1.3 and nothing else; only peers that have proved who they are arrive. Throws `TransportError` `listen`,
 * and `TypeError` for options that can be no key.
 */
export async function listenTls(options: TlsListenOptions): Promise<Listener> {
  const { host, port, tls, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS, onRefused } = options;
  const arrivals = new Arrivals();
  const door = new TlsDoor(tls, { handshakeTimeoutMs, onRefused });
  const server = createServer({ pauseOnConnect: true, ...TCP_SOCKET });
  server.on("connection", (raw: Socket) => {
    const peer = tlsUrl(raw.remoteAddress ?? host, raw.remotePort ?? 0);
    const stream = new CipherStream(raw);
    door.admit({
      peer,
      raw,
      stream,
      onSecure(socket, enter) {
        enter();
        stream.guard(socket, () => new TransportError("cut", peer, "the peer went away in the middle"));
        arrivals.add(createTlsConnection(socket, stream, peer));
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
