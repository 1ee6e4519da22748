import { connect, isIPv6 } from "node:net";

import { CipherStream } from "./cipher-stream.ts";
import { connectSocket } from "./connect-socket.ts";
import type { Connection } from "./connection.ts";
import { dialOver } from "./secure-dialler.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { type TlsOptions, toDialSettings } from "./tls-options.ts";
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
  const { host, port, tls, signal, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const settings = toDialSettings(tls, host);
  const url = tlsUrl(host, port);
  const raw = await connectSocket(() => connect({ host, port, ...TCP_SOCKET }), url, signal);
  return dialOver(new CipherStream(raw), settings, { url, tls, handshakeTimeoutMs, signal });
}

export function tlsUrl(host: string, port: number): string {
  return `tls://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
