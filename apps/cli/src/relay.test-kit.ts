import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

import { onTestFinished } from "vitest";

/** Which way bytes go: from the sender to the receiver, or back. */
export type Way = "there" | "back";

/**
 * What is passed on of a chunk that begins `at` bytes behind the first of its way, over all connections, of which this is the nth; and
 * when. One that throws breaks that connection.
 */
export type Watch = (
  way: Way,
  chunk: Buffer,
  at: number,
  connection: number,
) => AsyncIterable<Buffer> | Iterable<Buffer>;

/** Stands between a sender and a receiver, at one address for as long as the test lasts, whichever processes they are. */
export interface Relay {
  /** Where the sender dials. */
  readonly url: string;
  /** How many bytes came, each way. */
  readonly passed: Readonly<Record<Way, number>>;
  /** How many connections were made. */
  readonly connections: number;
  /** Where the receiver is from now on. */
  leadTo(url: string): void;
  /** Breaks all connections; what the watch holds back is lost. */
  cut(): void;
}

/** For a receiver at a url of this kind, `tcp:`, `tls:`, `ws:`, `wss:` or `unix:`; of the last one the path is the relay's own. */
export async function startRelay(url: string, watch: Watch = (_way, chunk) => [chunk]): Promise<Relay> {
  const sockets = new Set<Socket>();
  const passed = { there: 0, back: 0 };
  let connections = 0;
  let target = url;

  const carry = async (way: Way, from: Socket, to: Socket, connection: number): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const at = passed[way];
      passed[way] += chunk.length;
      for await (const piece of watch(way, chunk, at, connection)) {
        if (!to.destroyed && !to.write(piece)) await flows(to);
      }
    }
    to.end();
  };

  const join = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {}); // whoever was killed resets it; the other side is told so below
    socket.on("close", (isBroken) => {
      sockets.delete(socket);
      if (isBroken) other.destroy();
    });
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const nth = ++connections;
    const far = createConnection({ ...addressOf(target), allowHalfOpen: true });
    join(near, far);
    join(far, near);
    for (const socket of [near, far]) socket.setNoDelay(); // pieces stay apart
    carry("there", near, far, nth).catch(() => far.destroy());
    carry("back", far, near, nth).catch(() => near.destroy());
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });

  const { protocol, pathname } = new URL(url);
  const isUnix = protocol === "unix:";
  server.listen(isUnix ? { path: pathname } : { port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  return {
    url: isUnix ? url : atPort(url, server.address()),
    passed,
    get connections() {
      return connections;
    },
    leadTo(to) {
      target = to;
    },
    cut,
  };
}

/** Settles when more can be written, or nothing ever will. */
async function flows(socket: Socket): Promise<void> {
  const until = new AbortController();
  const { signal } = until;
  await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]).finally(() =>
    until.abort(),
  );
}

function addressOf(url: string): { readonly path: string } | { readonly port: number; readonly host: string } {
  const { protocol, pathname, hostname, port } = new URL(url);
  return protocol === "unix:" ? { path: pathname } : { port: Number(port), host: hostname };
}

function atPort(url: string, address: unknown): string {
  const at = new URL(url);
  at.port = String((address as { readonly port: number }).port);
  return at.href;
}
