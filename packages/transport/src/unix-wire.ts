import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { resolve } from "node:path";

import { Arrivals } from "./arrivals.ts";
import { connectSocket } from "./connect-socket.ts";
import type { Connection, Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import { createSocketConnection } from "./socket-connection.ts";
import { readSocket, type SocketReading } from "./socket-reader.ts";
import { TransportError } from "./transport-error.ts";

/** Which socket file to dial. */
export interface UnixConnectOptions {
  readonly path: string;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  readonly reading?: SocketReading;
}

/** Which socket file to make. */
export interface UnixListenOptions {
  readonly path: string;
  readonly reading?: SocketReading;
  /** Hears of each peer that was turned away because too many wait to be accepted, and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/** Dials a socket file. Throws `TransportError` `connect`, or `destroyed`/`timeout` when the signal ended it. */
export async function connectUnix(options: UnixConnectOptions): Promise<Connection> {
  const { path, signal, reading = "slab" } = options;
  const url = unixUrl(path);
  const socket = await connectSocket(() => connect({ path, allowHalfOpen: true }), url, signal);
  return adopt(socket, url, reading);
}

/**
 * Listens on a socket file, which is removed by `close()`. One that a dead listener left behind is replaced; if somebody
 * listens there, or the file is anything but a socket, throws `TransportError` `listen` and leaves it alone.
 */
export async function listenUnix(options: UnixListenOptions): Promise<Listener> {
  const { path, reading = "slab", onRefused } = options;
  const url = unixUrl(path);
  const arrivals = new Arrivals(onRefused);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.on("connection", (socket) => arrivals.add(adopt(socket, url, reading)));
  await removeStaleSocket(path, url);
  await listenOn(server, { path }, url);
  return {
    url,
    accept: () => arrivals.accept(),
    close() {
      server.close(); // removes the file, too
      arrivals.close(url);
      return Promise.resolve();
    },
  };
}

async function removeStaleSocket(path: string, url: string): Promise<void> {
  const file = await lstat(path).catch(() => undefined);
  if (!file) return;
  if (!file.isSocket()) throw new TransportError("listen", url, "is a file, but no socket: it is left alone");
  if (await hasListener(path, url)) throw new TransportError("listen", url, "is in use: somebody listens there");
  await unlink(path);
}

/** Only a refused connection proves that nobody is there; any other failure (no permission, a full backlog) does not. */
async function hasListener(path: string, url: string): Promise<boolean> {
  try {
    const socket = await connectSocket(() => connect({ path }), url);
    socket.destroy();
    return true;
  } catch (error) {
    const cause = (error as TransportError).cause as NodeJS.ErrnoException | undefined;
    return cause?.code !== "ECONNREFUSED";
  }
}

function adopt(connected: Socket, peer: string, reading: SocketReading): Connection {
  const { socket, inbox } = readSocket(connected, reading);
  // There is no reset here: the peer's reads see an end, and only its sends fail.
  return createSocketConnection(socket, inbox, peer, () => socket.destroy());
}

function unixUrl(path: string): string {
  return `unix://${resolve(path)}`;
}
