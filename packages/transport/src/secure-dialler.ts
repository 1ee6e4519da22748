import { connect as connectSecurely, type ConnectionOptions } from "node:tls";

import type { Connection } from "./connection.ts";
import type { SecureStream } from "./secure-stream.ts";
import { createTlsConnection } from "./tls-connection.ts";
import { type HandshakeOptions, shakeHands } from "./tls-handshake.ts";
import { UNHEARD } from "./tls-verdict.ts";
import { TransportError } from "./transport-error.ts";

/** The dialler's half of TLS over a connection; takes ownership of the stream. Throws as `shakeHands` does. */
export async function dialOver(
  stream: SecureStream,
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
    const connection = createTlsConnection(socket, () => stream.abort(socket), url);
    socket.once("readable", () => {
      hasHeard = true;
    });
    return connection;
  });
}

const GONE = "the server went away during the handshake: its log says why";
