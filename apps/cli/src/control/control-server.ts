import { setTimeout as wait } from "node:timers/promises";

import type { Connection, Listener } from "@blkmig/transport";
import { listenUnix } from "@blkmig/transport/tcp";

import { createNewcomers } from "../newcomers.ts";
import type { ControlDesk } from "./control-desk.ts";
import { serveClient } from "./serve-client.ts";

/** Clients at once that have asked for something, and as many that have not; whoever asks beyond that is hung up on. */
const MOST_CLIENTS = 64;
const SILENT_MS = 30_000;
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

export interface ControlServerOptions {
  readonly desk: ControlDesk;
  /** Told why a client was hung up on. */
  readonly onDrop: (why: string) => void;
  /** How long a client may take to ask for something. Milliseconds; default 30 seconds. */
  readonly silentMs?: number;
}

/** Takes ownership of the listener. */
export function serveControl(
  listener: Listener,
  { desk, onDrop, silentMs = SILENT_MS }: ControlServerOptions,
): ControlServer {
  const clients = new Map<Connection, Promise<void>>();
  const newcomers = createNewcomers({ within: silentMs, atOnce: MOST_CLIENTS });
  const ending = new AbortController();
  let asking = 0;

  const take = async (connection: Connection): Promise<void> => {
    let isAsking = false;
    let known: ((it: "known") => void) | undefined;
    const asked = new Promise<"known">((resolve) => {
      known = resolve;
    });
    const mayAsk = (): boolean => {
      known?.("known");
      if (isAsking) return true;
      if (asking >= MOST_CLIENTS) onDrop(`${MOST_CLIENTS} others are asking`);
      else [isAsking, asking] = [true, asking + 1];
      return isAsking;
    };
    void newcomers.hear(connection, asked).then((heard) => {
      if (heard === "known") return;
      connection.destroy();
      onDrop(heard.why);
    });
    await serveClient(connection, { desk, ending: ending.signal, mayAsk });
    known?.("known"); // it has left
    if (isAsking) asking--;
    clients.delete(connection);
  };

  const acceptAll = async (): Promise<void> => {
    for (let next = await listener.accept(); next; next = await listener.accept()) clients.set(next, take(next));
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
