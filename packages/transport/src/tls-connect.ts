import { connect, isIPv6 } from "node:net";
import { connect as connectSecurely } from "node:tls";

import { connectSocket } from "./connect-socket.ts";
import type { Connection } from "./connection.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { createTlsConnectionOn } from "./tls-connection.ts";
import { shakeHands } from "./tls-handshake.ts";
import { type TlsOptions, toDialSettings } from "./tls-options.ts";
import { withVerdict } from "./tls-verdict.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./ws-limits.ts";

/** Whom to dial, and how both prove who they are. */
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
 * Dials in TLS 1.3, and checks who answers. Whether a server takes our certificate shows with the first read only: one that
 * hangs up before it has said a byte is a `cut`. After that an end of `tls:` is an end of `tcp:`, not proof that the peer has
 * said all: a killed process and a forged packet look the same, and what was sent must say itself that it is whole. Throws
 * `TransportError` `connect` with what to do, `timeout` when the server did not answer in TLS, `destroyed`/`timeout` when
 * the signal ended it, and `TypeError` for options that can be no key.
 */
export async function connectTls(options: TlsConnectOptions): Promise<Connection> {
  const { host, port, tls, signal, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const settings = toDialSettings(tls, host);
  const url = tlsUrl(host, port);
  const raw = await connectSocket(() => connect({ host, port, ...TCP_SOCKET }), url, signal);
  raw.on("error", () => {}); // it closes as well
  const socket = connectSecurely({ ...settings, socket: raw });
  return shakeHands(socket, { url, tls, handshakeTimeoutMs, signal }, () => {
    const connection = createTlsConnectionOn(raw, socket, url);
    return "cert" in tls ? withVerdict(connection) : connection;
  });
}

export function tlsUrl(host: string, port: number): string {
  return `tls://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
