import { connect, createServer, isIPv6, type Socket } from "node:net";

import { Arrivals } from "./arrivals.ts";
import { connectSocket } from "./connect-socket.ts";
import type { Connection, Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import { createSocketConnection } from "./socket-connection.ts";
import { readSocket, type SocketReading } from "./socket-reader.ts";

/** What every socket of ours is, dialled or accepted. */
export const TCP_SOCKET = {
  noDelay: true,
  /** From the start: an early end of the peer must not end our side. */
  allowHalfOpen: true,
  /** A peer that vanished without a word is found out after some minutes of silence. */
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

/** Whom to dial. */
export interface TcpConnectOptions {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  readonly reading?: SocketReading;
}

/** Where to listen. */
export interface TcpListenOptions {
  /** An address of this machine, `0.0.0.0` or `::` for all of them; IPv6 without brackets. */
  readonly host: string;
  /** 0 picks a free one; `url` of the listener says which. */
  readonly port: number;
  /** How many peers the system may keep waiting. */
  readonly backlog?: number;
  readonly reading?: SocketReading;
  /** Hears of each peer that was turned away because too many wait to be accepted, and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/** Dials. Throws `TransportError` `connect`, or `destroyed`/`timeout` when the signal ended it. */
export async function connectTcp(options: TcpConnectOptions): Promise<Connection> {
  const { host, port, signal, reading = "slab" } = options;
  const url = tcpUrl(host, port);
  const connected = await connectSocket(() => connect({ host, port, ...TCP_SOCKET }), url, signal);
  return adopt(connected, url, reading);
}

/** Listens. Throws `TransportError` `listen`. */
export async function listenTcp(options: TcpListenOptions): Promise<Listener> {
  const { host, port, backlog, reading = "slab", onRefused } = options;
  const arrivals = new Arrivals(onRefused);
  const server = createServer({ pauseOnConnect: true, ...TCP_SOCKET });
  server.on("connection", (socket) => {
    const peer = tcpUrl(socket.remoteAddress ?? host, socket.remotePort ?? 0);
    arrivals.add(adopt(socket, peer, reading));
  });
  await listenOn(server, { host, port, ...(backlog === undefined ? {} : { backlog }) }, tcpUrl(host, port));
  const bound = server.address() as { port: number };
  const url = tcpUrl(host, bound.port);
  return {
    url,
    accept: () => arrivals.accept(),
    close() {
      server.close(); // without waiting: it would wait for the peers that live on
      arrivals.close(url);
      return Promise.resolve();
    },
  };
}

function adopt(connected: Socket, peer: string, reading: SocketReading): Connection {
  const { socket, inbox } = readSocket(connected, reading);
  // A plain close would look like a clean end to the peer.
  return createSocketConnection(socket, inbox, peer, () => socket.resetAndDestroy());
}

function tcpUrl(host: string, port: number): string {
  return `tcp://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
