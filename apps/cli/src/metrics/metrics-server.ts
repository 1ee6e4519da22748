import { once } from "node:events";
import { unlink } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";

import { CommandError, messageOf } from "../command-error.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import type { MetricsPlace } from "./parse-metrics.ts";

/** Who asks is a scraper, every few seconds: nobody needs more, and nobody can take more. */
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;
const MOST_CONNECTIONS = 16;
const SILENT_MS = 5000;

export interface MetricsServer {
  /** With the real port. */
  readonly url: string;
  close(): Promise<void>;
}

/** Answers `GET /metrics` with what `tell` gives, and `GET /healthz`. Throws `CommandError` `refused` where it cannot listen. */
export async function listenMetrics(place: MetricsPlace, tell: () => string): Promise<MetricsServer> {
  const server = createServer(LIMITS, (request, response) => answer(request, response, tell));
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = SILENT_MS; // a reader that does not read
  try {
    if (place.kind === "unix") await removeDead(place.path);
    server.listen(place.kind === "unix" ? { path: place.path } : { host: place.host, port: place.port });
    await once(server, "listening");
  } catch (cause) {
    const where = place.kind === "unix" ? place.path : `${place.host} port ${place.port}`;
    throw new CommandError("refused", `--metrics: ${where}: cannot listen: ${messageOf(cause)}`, { cause });
  }
  return {
    url: urlOf(server, place),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, tell: () => string): void {
  const { method = "", url = "", headers } = request;
  const end = (status: number, text: string, more: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...more });
    response.end(method === "HEAD" ? undefined : text);
  };
  const hasBody = headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
  if (hasBody) return end(413, "nothing is taken here\n", { connection: "close" });
  if (method !== "GET" && method !== "HEAD") return end(405, "only GET and HEAD\n", { allow: "GET, HEAD" });
  const [path] = url.split("?", 1);
  if (path === "/metrics") return end(200, tell(), { "content-type": EXPOSITION_TYPE });
  if (path === "/healthz") return end(200, "ok\n");
  end(404, "metrics are at /metrics\n");
}

/** A socket that a dead process left; one that is answered stays, and listening there fails. */
async function removeDead(path: string): Promise<void> {
  const socket = connect(path);
  const isDead = await once(socket, "connect").then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === "ECONNREFUSED",
  );
  socket.destroy();
  if (isDead) await unlink(path);
}

function urlOf(server: Server, place: MetricsPlace): string {
  if (place.kind === "unix") return `unix://${place.path}`;
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/metrics`;
}
