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

  function makeRoom(most: number): void {
    const least = leastAtHome([...here], most);
    if (!least) return;
    here.delete(least.client); // now: it goes a turn later, and others come before
    least.client.hangUp("now", `${least.why} when ${most} clients were there`);
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

/**
 * Who makes room: the longest that has said nothing, for who means well speaks at once. Or, where half of all have spoken and got nothing
 * done, the longest of them: strangers can choose an export as well, and of one that means well nothing is lost. Both halves, so that
 * neither who comes nor who has just begun is driven out by a crowd of the other kind.
 */
function leastAtHome(
  clients: readonly Client[],
  most: number,
): { readonly client: Client; readonly why: string } | undefined {
  const idle = clients.filter(({ stage }) => stage === "spoke");
  const silent = idle.length > most / 2 ? undefined : clients.find(({ stage }) => stage === "silent");
  if (silent) return { client: silent, why: "it had said nothing" };
  return idle[0] && { client: idle[0], why: "it had asked for nothing that could be done" };
}

function isSameLink(a: Link | undefined, b: Link): boolean {
  return a?.exportName === b.exportName && a.key === b.key;
}

async function hangUp(clients: readonly Client[], how: "finish" | "now", why: string): Promise<void> {
  for (const each of clients) each.hangUp(how, why);
  await Promise.all(clients.map(async (each) => each.gone));
}
