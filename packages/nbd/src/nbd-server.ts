import { systemClock } from "@blkmig/device";
import { type Connection, secureConnection } from "@blkmig/transport/tls";

import type { NbdServer, NbdServerOptions } from "./nbd-contract.ts";
import { type Client, type Link, serveClient } from "./serve-client.ts";
import { createPayloadMemory } from "./server-memory.ts";
import { createNegotiation } from "./server-negotiation.ts";

const CLIENTS = 256;
const REQUESTS = 64;
const BUFFERED_BYTES = 128 * 1024 * 1024;
const HANDSHAKE_MS = 30_000;

/** An NBD server for block devices: fixed newstyle, structured replies, many connections. */
export function createNbdServer(options: NbdServerOptions): NbdServer {
  const { exports, tls, limits = {}, clock = systemClock, onEvent = () => {} } = options;
  const { requests = REQUESTS, bufferedBytes = BUFFERED_BYTES, handshakeMs = HANDSHAKE_MS } = limits;
  const memory = createPayloadMemory(bufferedBytes);
  // A quarter, so that who holds nothing need not wait for everybody else to hold nothing.
  const payloadBytes = Math.max(4096, Math.floor(bufferedBytes / 4));
  const here = new Set<Client>();
  let isClosed = false;

  function refuse(connection: Connection, why: string): void {
    connection.destroy(new Error(why));
    onEvent({ type: "refused", peer: connection.peer, why });
  }

  /** Who means well chooses at once: so it is the longest that has not, and a link that waits for an older one has. */
  function makeRoom(most: number): void {
    const longest = [...here].find(({ exportName, link }) => exportName === undefined && link === undefined);
    if (!longest) return;
    here.delete(longest); // now: it goes a turn later, and others come before
    longest.hangUp("now", `it had chosen no export when ${most} clients were there`);
  }

  async function secure(connection: Connection): Promise<Connection> {
    if (!tls) throw new TypeError("there are no keys for TLS"); // the negotiation does not come to this
    return secureConnection(connection, { as: "listener", tls, handshakeTimeoutMs: handshakeMs });
  }

  /** Those who came before with the same key: hung up on, and what they had asked the device for has settled. */
  async function fence(client: Client, link: Link): Promise<void> {
    const before = [...here].filter((each) => each !== client && isSameLink(each.link, link));
    await hangUp(before, "now", "a newer link took its place");
  }

  return {
    async serve(connection) {
      if (isClosed) return refuse(connection, "the server is closed");
      const most = limits.clients ?? CLIENTS;
      if (here.size >= most) makeRoom(most);
      if (here.size >= most) return refuse(connection, `there are ${most} clients already`);
      const negotiation = createNegotiation({ exports, tls: tls ? "required" : "none", payloadBytes });
      const share = memory.share();
      const client = serveClient({
        connection,
        negotiation,
        memory: share,
        requests,
        handshakeMs,
        clock,
        secure,
        fence,
        onEvent,
      });
      here.add(client);
      await client.gone;
      here.delete(client);
    },
    clients: () =>
      [...here].flatMap(({ peer, exportName }) => (exportName === undefined ? [] : [{ peer, exportName }])),
    async drop(exportName, how) {
      const clients = [...here].filter((each) => each.exportName === exportName);
      await hangUp(clients, how, `export '${exportName}' is no longer served`);
    },
    async close(how) {
      isClosed = true;
      await hangUp([...here], how, "the server closes");
    },
  };
}

function isSameLink(a: Link | undefined, b: Link): boolean {
  return a?.exportName === b.exportName && a.key === b.key;
}

async function hangUp(clients: readonly Client[], how: "finish" | "now", why: string): Promise<void> {
  for (const each of clients) each.hangUp(how, why);
  await Promise.all(clients.map(async (each) => each.gone));
}
