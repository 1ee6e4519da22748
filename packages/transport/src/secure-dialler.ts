import type { Duplex } from "node:stream";
import { connect as connectSecurely, type ConnectionOptions, type TLSSocket } from "node:tls";

import type { Connection } from "./connection.ts";
import { createTlsConnection } from "./tls-connection.ts";
import { type HandshakeOptions, shakeHands } from "./tls-handshake.ts";
import { TransportError } from "./transport-error.ts";

/** What carries encrypted bytes, and can tell a cut from an end. */
interface Carrier extends Duplex {
  guard(socket: TLSSocket, toError: (broken?: Error) => Error): void;
  reset(): void;
}

/** The dialler's half of TLS over whatever carries it; takes ownership of the carrier. Throws as `shakeHands` does. */
export async function dialOver(
  stream: Carrier,
  settings: ConnectionOptions,
  options: HandshakeOptions,
): Promise<Connection> {
  const { url, tls } = options;
  const socket = connectSecurely({ ...settings, socket: stream });
  let [isSecure, hasHeard] = [false, !("cert" in tls)];
  stream.guard(socket, (broken) => {
    if (!isSecure) return new TransportError("connect", url, GONE, { cause: broken });
    return broken ?? new TransportError("cut", url, hasHeard ? "the peer went away in the middle" : UNHEARD);
  });
  return shakeHands(socket, options, () => {
    isSecure = true;
    const connection = createTlsConnection(socket, stream, url);
    socket.once("readable", () => {
      hasHeard = true;
    });
    return connection;
  });
}

const GONE = "the server went away during the handshake: its log says why";

/** In TLS 1.3 a server judges our certificate after we took the handshake for done, and Node's hangs up without a word. */
const UNHEARD = "the peer went away before it said anything: its log says whether it refused our certificate";
