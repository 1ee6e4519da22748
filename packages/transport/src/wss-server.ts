import type { Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";

import { TCP_SOCKET } from "./tcp-wire.ts";
import { type DoorOptions, TlsDoor } from "./tls-door.ts";
import type { TlsOptions } from "./tls-options.ts";

/** What must listen in place of an HTTP server, so that only peers that have proved who they are get to it. */
export interface WssServer {
  readonly server: Server;
  /** To be called when this peer has become a WebSocket; until then it is a newcomer, and may be dropped. */
  enter(socket: Duplex): void;
  /** Drops the newcomers. */
  close(): void;
}

/** Puts TLS before an HTTP server, which must not listen itself. Throws a `TypeError` for options that can be no key. */
export function createWssServer(
  http: HttpServer,
  tls: TlsOptions,
  toPeer: (host: string, port: number) => string,
  options: DoorOptions,
): WssServer {
  const door = new TlsDoor(tls, options);
  const newcomers = new WeakMap<Duplex, () => void>();
  // No half-open: a WebSocket does not need it, and a handshake left in the middle would look like one.
  const server = createServer({ pauseOnConnect: true, ...TCP_SOCKET, allowHalfOpen: false });
  server.on("connection", (raw) => {
    door.admit({
      peer: toPeer(raw.remoteAddress ?? "", raw.remotePort ?? 0),
      raw,
      onSecure(socket, enter) {
        newcomers.set(socket, enter);
        http.emit("connection", socket);
      },
    });
  });
  return { server, enter: (socket) => newcomers.get(socket)?.(), close: () => door.close() };
}
