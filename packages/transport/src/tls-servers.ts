import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions as ServerOptions, type TLSSocket } from "node:tls";

/** What becomes of a handshake: one of both, or nothing, for a socket that was closed before. */
interface HandshakeEnds {
  readonly onSecure: (socket: TLSSocket) => void;
  readonly onError: (error: Error, socket: TLSSocket) => void;
}

/** TLS servers that have one handshake at a time each: of what fails in a shared one nothing says which peer it was. */
export interface TlsServers {
  /** Begins a handshake. `raw` stays the caller's, who closes it whatever comes of it. */
  receive(raw: Socket, ends: HandshakeEnds): void;
}

/**
 * Keeps `most` of them for who comes next. A server for each peer that ever came cost 150 MiB in a siege of ten thousand: what OpenSSL
 * has of it the collector does not see, and so is in no hurry to let go of.
 */
export function createTlsServers(settings: ServerOptions, most: number): TlsServers {
  const free: Server[] = [];
  return {
    receive(raw, { onSecure, onError }) {
      const server = free.pop() ?? createServer(settings);
      server.on("secureConnection", onSecure);
      server.on("tlsClientError", onError);
      const giveBack = (): void => {
        server.off("secureConnection", onSecure);
        server.off("tlsClientError", onError);
        if (free.length < most) free.push(server);
      };
      // Two turns later: TLS closes after its socket and may say why only then, and that must not be said of the next.
      raw.on("close", () => setImmediate(() => setImmediate(giveBack)));
      server.emit("connection", raw);
    },
  };
}
