import { connect, isIPv6 } from "node:net";
import { connect as connectSecurely, type ConnectionOptions } from "node:tls";

import { CipherStream } from "./cipher-stream.ts";
import { connectSocket, toAbortError } from "./connect-socket.ts";
import type { Connection } from "./connection.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { createTlsConnection } from "./tls-connection.ts";
import { type TlsOptions, toDialSettings } from "./tls-options.ts";
import { explainDialFailure } from "./tls-sentences.ts";
import { TransportError } from "./transport-error.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./ws-limits.ts";

export interface TlsConnectOptions {
  /** A name or an address, as the server's certificate has it; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  /** Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
}

/**
 * Dials in TLS 1.3, and checks who answers. Whether a server takes our certificate shows with the first read only. Throws
 * `TransportError` `connect` with what to do, `timeout` when the server did not answer in TLS, `destroyed`/`timeout` when
 * the signal ended it, and `TypeError` for options that can be no key.
 */
export async function connectTls(options: TlsConnectOptions): Promise<Connection> {
  const { host, port, tls, signal } = options;
  const settings = toDialSettings(tls, host);
  const url = tlsUrl(host, port);
  const raw = await connectSocket(() => connect({ host, port, ...TCP_SOCKET }), url, signal);
  return shakeHands(new CipherStream(raw), settings, url, options);
}

function shakeHands(
  stream: CipherStream,
  settings: ConnectionOptions,
  url: string,
  { tls, signal, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS }: TlsConnectOptions,
): Promise<Connection> {
  const socket = connectSecurely({ ...settings, socket: stream });
  const timer = setTimeout(() => {
    const what = `no answer in TLS within ${handshakeTimeoutMs} ms: does the server speak clear text?`;
    socket.destroy(new TransportError("timeout", url, what));
  }, handshakeTimeoutMs);
  const giveUp = () => socket.destroy(toAbortError(url, signal?.reason));
  signal?.addEventListener("abort", giveUp, { once: true });
  let [isSecure, hasHeard] = [false, "token" in tls];
  stream.guard(socket, () => {
    if (!isSecure)
      return new TransportError("connect", url, "the server went away during the handshake: its log says why");
    const what = hasHeard ? "the peer went away in the middle" : UNHEARD;
    return new TransportError("reset", url, what);
  });
  const handshake = new Promise<Connection>((resolve, reject) => {
    socket.once("secureConnect", () => {
      isSecure = true;
      resolve(createTlsConnection(socket, stream, url));
      socket.once("readable", () => {
        hasHeard = true;
      });
    });
    socket.on("error", (error) => {
      const what = explainDialFailure(error, tls);
      reject(error instanceof TransportError ? error : new TransportError("connect", url, what, { cause: error }));
    });
  });
  return handshake.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  });
}

/** In TLS 1.3 a server judges our certificate after we took the handshake for done, and Node's hangs up without a word. */
const UNHEARD = "the peer went away before it said anything: its log says whether it refused our certificate";

export function tlsUrl(host: string, port: number): string {
  return `tls://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
