import type { NbdServer, NbdUrl } from "./nbd-contract.ts";

export interface NbdListener {
  /** What clients dial, without an export, with the real port: `nbd://127.0.0.1:10809`, `nbd+unix:///?socket=/run/a`. */
  readonly url: string;
  /** Takes no more clients; those that are here live on. */
  close(): Promise<void>;
}

/** Listens for the server's clients. Throws `TransportError` `listen`. */
export async function listenNbd(_url: NbdUrl, _server: NbdServer): Promise<NbdListener> {
  throw new Error("not landed");
}
