import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

import type { Connection } from "./connection.ts";
import { readStream } from "./read-stream.ts";
import { createSocketConnection } from "./socket-connection.ts";

/**
 * Takes ownership of a socket whose handshake is done just now: a moment later an early end would be lost. `abort` ends what
 * carries it so that the peer sees that, and the socket with it.
 */
export function createTlsConnection(socket: TLSSocket, abort: () => void, peer: string): Connection {
  return createSocketConnection(socket, readStream(socket), peer, abort);
}

/**
 * The same where TLS reads and writes the TCP socket itself. That alone is aborted, and `socket` goes when it has closed: destroyed at
 * once, it would free OpenSSL's memory in this very turn, and who reads may be called from within OpenSSL (Node.js 24 crashes).
 */
export function createTlsConnectionOn(raw: Socket, socket: TLSSocket, peer: string): Connection {
  return createTlsConnection(socket, () => raw.resetAndDestroy(), peer);
}
