import type { TLSSocket } from "node:tls";

import type { Connection } from "./connection.ts";
import { readStream } from "./read-stream.ts";
import { createSocketConnection } from "./socket-connection.ts";

/** Takes ownership of a socket whose handshake is done just now: a moment later an early end would be lost. */
export function createTlsConnection(socket: TLSSocket, stream: { reset(): void }, peer: string): Connection {
  return createSocketConnection(socket, readStream(socket), peer, () => {
    stream.reset();
    socket.destroy();
  });
}
