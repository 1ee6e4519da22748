import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isIPv6 } from "node:net";
import type { Duplex } from "node:stream";

import { WebSocketServer } from "ws";

import { Arrivals } from "./arrivals.ts";
import type { Listener } from "./connection.ts";
import { listenOn } from "./listen-on.ts";
import { createWsConnection } from "./ws-connection.ts";
import { HANDSHAKE_TIMEOUT_MS, toWsSettings, type WsLimits } from "./ws-limits.ts";

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
}

/** Listens. Throws `TransportError` `listen`. */
export async function listenWs(options: WsListenOptions): Promise<Listener> {
  const { host, port, path } = options;
  const arrivals = new Arrivals();
  const server = createHandshakeServer(options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS);
  const settings = { ...toWsSettings(options), noServer: true, clientTracking: false };
  const upgrader = new WebSocketServer(settings);
  server.on("upgrade", (request, socket, head) => {
    const refusal = refuseUpgrade(request, options);
    if (refusal) return refuse(socket, refusal);
    const { remoteAddress = host, remotePort = 0 } = request.socket;
    const peer = wsUrl(remoteAddress, remotePort, path);
    return upgrader.handleUpgrade(request, socket, head, (ws) => {
      arrivals.add(createWsConnection(ws, socket, peer, options));
    });
  });
  await listenOn(server, { host, port }, wsUrl(host, port, path));
  const url = wsUrl(host, (server.address() as AddressInfo).port, path);
  return {
    url,
    accept: () => arrivals.accept(),
    close() {
      server.close(); // without waiting: it would wait for the peers that live on
      server.closeAllConnections(); // those that have not become WebSockets
      arrivals.close(url);
      return Promise.resolve();
    },
  };
}

/** Answers nothing but upgrades, and gives up on peers that are slow to ask for one. */
function createHandshakeServer(timeoutMs: number): Server {
  const options = { headersTimeout: timeoutMs, requestTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs };
  return createServer(options, (_request, response) => {
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

function wsUrl(host: string, port: number, path: string): string {
  return `ws://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`;
}
