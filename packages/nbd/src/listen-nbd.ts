import type { Listener } from "@blkmig/transport";
import { listenTcp, listenUnix } from "@blkmig/transport/tcp";

import type { NbdServer, NbdUrl } from "./nbd-contract.ts";
import { formatNbdUrl } from "./nbd-url.ts";

/** A door of a server, open until it is closed. */
export interface NbdListener {
  /** What clients dial, without an export, with the real port: `nbd://127.0.0.1:10809`, `nbd+unix:///?socket=/run/a`. */
  readonly url: string;
  /** Takes no more clients; those that are here live on. */
  close(): Promise<void>;
}

/** Listens for the server's clients. Throws `TransportError` `listen`. */
export async function listenNbd(url: NbdUrl, server: NbdServer): Promise<NbdListener> {
  const { at, secure } = url;
  const listener = await (at.kind === "tcp" ? listenTcp(at) : listenUnix(at));
  const accepting = acceptAll(listener, server);
  const real = at.kind === "tcp" ? { ...at, port: Number(new URL(listener.url).port) } : at;
  return {
    url: formatNbdUrl({ at: real, secure, exportName: "" }),
    async close() {
      await listener.close();
      await accepting;
    },
  };
}

async function acceptAll(listener: Listener, server: NbdServer): Promise<void> {
  for (let peer = await listener.accept(); peer; peer = await listener.accept()) void server.serve(peer);
}
