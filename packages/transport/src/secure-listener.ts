import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from "node:tls";

import { toAbortError } from "./abort-error.ts";
import type { Connection } from "./connection.ts";
import { SecureStream } from "./secure-stream.ts";
import { createTlsConnection } from "./tls-connection.ts";
import type { HandshakeOptions } from "./tls-handshake.ts";
import { explainRefusal } from "./tls-sentences.ts";
import { TransportError } from "./transport-error.ts";

/** The listener's half of TLS over a connection, which it owns. Throws `TransportError` `connect`, `timeout` or `destroyed`. */
export async function admitOver(
  connection: Connection,
  settings: ServerOptions,
  options: HandshakeOptions,
): Promise<Connection> {
  const { url, tls, handshakeTimeoutMs, signal } = options;
  const { promise, resolve, reject } = withResolvers<Connection>();
  const giveUp = (error: TransportError) => {
    connection.destroy(error); // first, and then there is nobody to bid farewell
    reject(error);
  };
  const late = () =>
    giveUp(new TransportError("timeout", url, `it was not ready for TLS within ${handshakeTimeoutMs} ms`));
  const timer = setTimeout(late, handshakeTimeoutMs);
  const abort = () => giveUp(toAbortError(url, signal?.reason));
  signal?.addEventListener("abort", abort, { once: true });
  const stream = new SecureStream(connection, (cause) =>
    giveUp(new TransportError("connect", url, "it went away during the handshake", { cause })),
  );
  const server = createServer(settings, (socket) => {
    stream.enter();
    stream.guard(socket, (broken) => broken ?? new TransportError("cut", url, "the peer went away in the middle"));
    resolve(createTlsConnection(socket, () => stream.abort(socket), url)); // in this very moment: an early end would be lost
  });
  server.on("tlsClientError", (error, socket) => {
    const why = explainRefusal(error, nameOf(socket), tls);
    reject(new TransportError("connect", url, why, { cause: error }));
    stream.destroy();
  });
  server.emit("connection", stream);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Its type says `Error`, and it is a code. */
function nameOf({ authorizationError }: TLSSocket): string | undefined {
  const code: unknown = authorizationError;
  return typeof code === "string" ? code : undefined;
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}
