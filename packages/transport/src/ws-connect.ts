import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { connect as connectSecurely, type TLSSocket } from "node:tls";

import { WebSocket } from "ws";

import { toAbortError } from "./abort-error.ts";
import { connectSocket } from "./connect-socket.ts";
import type { Connection } from "./connection.ts";
import { systemWords } from "./system-words.ts";
import { TCP_SOCKET } from "./tcp-wire.ts";
import { shakeHands } from "./tls-handshake.ts";
import { type TlsOptions, toDialSettings } from "./tls-options.ts";
import { TransportError } from "./transport-error.ts";
import { createWsConnection } from "./ws-connection.ts";
import { HANDSHAKE_TIMEOUT_MS, toWsSettings, type WsLimits } from "./ws-limits.ts";

/** Whom to dial, and what one message may cost. */
export interface WsConnectOptions extends WsLimits {
  /** `ws://host:port/path`, or `wss:` together with `tls`. */
  readonly url: string;
  readonly tls?: TlsOptions;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  /** Sent along with the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A client must mask what it sends, so that a page in a browser cannot have chosen bytes of its own on the wire, which an
 * old proxy might take for a request. It hides nothing: the mask is sent along. We are no browser running a stranger's
 * script, and a mask of zeros leaves the bytes as they are, so neither end spends a cycle on it (0.3 GB/s otherwise).
 */
const noMask = (mask: Buffer) => void mask.fill(0);

/**
 * Dials. Throws `TransportError` `connect`, or `destroyed`/`timeout` when the signal ended it, and `TypeError` when `tls`
 * and the URL's kind do not fit, or it can be no key.
 */
export async function connectWs(options: WsConnectOptions): Promise<Connection> {
  const { url, signal, headers = {}, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const secured = await dialSecurely(options);
  if (signal?.aborted) {
    secured?.destroy();
    throw toAbortError(url, signal.reason);
  }
  const settings = { ...toWsSettings(options), generateMask: noMask, handshakeTimeout: handshakeTimeoutMs, headers };
  const ws = new WebSocket(url, secured ? { ...settings, createConnection: () => secured } : settings);
  const giveUp = () => ws.terminate();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await opened(ws, options);
  } catch (error) {
    ws.terminate();
    if (signal?.aborted) throw toAbortError(url, signal.reason);
    throw new TransportError("connect", url, `cannot connect: ${systemWords(error)}`, { cause: error });
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** TLS for `wss:`, before HTTP speaks: its errors would hide the handshake's. */
async function dialSecurely(options: WsConnectOptions): Promise<TLSSocket | undefined> {
  const { url, tls, signal, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  if (url.startsWith("wss:") !== (tls !== undefined)) throw new TypeError(`'${url}': wss: and tls go together`);
  if (!tls) return undefined;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/gu, "");
  const settings = toDialSettings(tls, host);
  const dial = () => connect({ host, port: Number(port || 443), ...TCP_SOCKET, allowHalfOpen: false });
  const socket = connectSecurely({ ...settings, socket: await connectSocket(dial, url, signal) });
  return shakeHands(socket, { url, tls, handshakeTimeoutMs, signal }, () => socket);
}

/** The connection is made inside the event: a moment later the first messages would be lost. */
function opened(ws: WebSocket, options: WsConnectOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    ws.on("error", reject);
    ws.once("upgrade", ({ socket }: IncomingMessage) => {
      ws.once("open", () => resolve(createWsConnection(ws, socket, options.url, options)));
    });
  });
}
