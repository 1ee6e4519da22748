import type { NbdServer, NbdServerOptions } from "./nbd-contract.ts";

/** An NBD server for block devices: fixed newstyle, structured replies, many connections. */
export function createNbdServer(_options: NbdServerOptions): NbdServer {
  throw new Error("not landed");
}
