import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";

import { WebSocketServer } from "ws";

import { Arrivals } from "./arrivals.ts";
import type { Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import type { TlsOptions } from "./tls-options.ts";
import { createWsConnection } from "./ws-connection.ts";
import { HANDSHAKE_TIMEOUT_MS, toWsSettings, type WsLimits } from "./ws-limits.ts";
import { limitNewcomers } from "./ws-newcomers.ts";
import { createWssServer } from "./wss-server.ts";

/** Where to listen, whose pages may come, and what one message may cost. */
export interface WsListenOptions extends WsLimits {
  /** An address of this machine; IPv6 without brackets. */
  readonly host: string;
  /** 0 picks a free one; `url` of the listener says which. */
  readonly port: number;
  /** The only path that is answered: `/migrate`. */
  readonly path: string;
  /**
   * Origins (`https://example.org`) whose pages may connect; none by default. A browser sends an `Origin` with every
   * upgrade and lets any page dial any address, this machine's own ones too: without this a page could feed us a disk.
   */
  readonly allowOrigin?: readonly string[];
  /** Listens for `wss:` and nothing else. */
  readonly tls?: TlsOptions;
  /** Hears of each peer that was turned away before it was a WebSocket (`wss://10.0.0.2:4711/`), and why, in a sentence. */
  readonly onRefused?: (peer: string, why: string) => void;
}

/** Listens. Throws `TransportError` `listen`, and `TypeError` for a `tls` that can be no key. */
export async function listenWs(options: WsListenOptions): Promise<Listener> {
  const { host, port, path, tls, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS, onRefused } = options;
  const arrivals = new Arrivals(onRefused);
  const toUrl = (at: string, on: number) => wsUrl(tls ? "wss" : "ws", at, on, path);
  const http = createHandshakeServer();
  const secure = tls && createWssServer(http, tls, toUrl, { handshakeTimeoutMs, onRefused });
  const newcomers = secure ?? limitNewcomers(http, { handshakeTimeoutMs, toPeer: toUrl, onRefused });
  const settings = { ...toWsSettings(options), noServer: true, clientTracking: false };
  const upgrader = new WebSocketServer(settings);
  http.on("upgrade", (request, socket, head) => {
    const refusal = refuseUpgrade(request, options);
    if (refusal) return refuse(socket, refusal);
    const { remoteAddress = host, remotePort = 0 } = request.socket;
    return upgrader.handleUpgrade(request, socket, head, (ws) => {
      newcomers.enter(socket);
      arrivals.add(createWsConnection(ws, socket, toUrl(remoteAddress, remotePort), options));
    });
  });
  const server = secure?.server ?? http;
  await listenOn(server, { host, port }, toUrl(host, port));
  const url = toUrl(host, (server.address() as AddressInfo).port);
  return {
    url,
    accept: () => arrivals.accept(),
    close() {
      server.close(); // without waiting: it would wait for the peers that live on
      secure?.close();
      http.closeAllConnections(); // those that have not become WebSockets
      arrivals.close(url);
      return Promise.resolve();
    },
  };
}

/** Answers nothing but upgrades. Who is slow to ask for one is a newcomer: Node's own times are looked at now and then only. */
function createHandshakeServer(): Server {
  return createServer({ headersTimeout: 0, requestTimeout: 0 }, (_request, response) => {
    response.writeHead(426, { connection: "close" }).end("This is a WebSocket of blkmig.\n");
  });
}

function refuseUpgrade(request: IncomingMessage, options: WsListenOptions): string | undefined {
  const path = request.url?.split("?")[0];
  if (path !== options.path) return "404 Not Found";
  const { origin } = request.headers;
  if (origin !== undefined && !options.allowOrigin?.includes(origin)) return "403 Forbidden";
  return undefined;
}

function refuse(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy()); // gone before it heard us: nothing is lost
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function wsUrl(kind: "ws" | "wss", host: string, port: number, path: string): string {
  return `${kind}://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`;
}
