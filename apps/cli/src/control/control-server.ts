import { setTimeout as wait } from "node:timers/promises";

import type { Connection, Listener } from "@blkmig/transport";
import { listenUnix } from "@blkmig/transport/tcp";

import type { ControlDesk } from "./control-desk.ts";
import { serveClient } from "./serve-client.ts";

/** Clients at once; whoever comes then is hung up on. */
const MOST_CLIENTS = 64;
/** Who does not read its last answers is not waited for longer. */
const PART_WITHIN_MS = 1000;

/** The control socket of a running server. */
export interface ControlServer {
  /** Waits for what is under way, so whatever it waits for must have ended, then hangs up on all and removes the socket. */
  close(): Promise<void>;
}

/** Binds the socket, for its owner alone. Throws `TransportError` `listen`. */
export async function listenControl(path: string): Promise<Listener> {
  const before = process.umask(0o177); // chmod would come too late for whoever dials at once
  try {
    return await listenUnix({ path, reading: "stream" });
  } finally {
    process.umask(before);
  }
}

/** Takes ownership of the listener. */
export function serveControl(listener: Listener, desk: ControlDesk): ControlServer {
  const clients = new Map<Connection, Promise<void>>();
  const ending = new AbortController();
  const take = async (connection: Connection): Promise<void> => {
    await serveClient(connection, desk, ending.signal);
    clients.delete(connection);
  };
  const acceptAll = async (): Promise<void> => {
    for (let next = await listener.accept(); next; next = await listener.accept()) {
      if (clients.size < MOST_CLIENTS) clients.set(next, take(next));
      else next.destroy();
    }
  };
  const accepting = acceptAll();
  return {
    async close() {
      await listener.close();
      await accepting;
      const left = Promise.all(clients.values());
      ending.abort();
      await Promise.race([left, wait(PART_WITHIN_MS, undefined, { ref: false })]);
      for (const connection of clients.keys()) connection.destroy();
      await left;
    },
  };
}
