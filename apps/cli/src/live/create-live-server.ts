import type { LiveServer, LiveServerOptions } from "./live-contract.ts";

/** Listens, and serves. Throws `TransportError` `listen`, and what forwarding a disk that has moved throws. */
export async function createLiveServer(_options: LiveServerOptions): Promise<LiveServer> {
  throw new Error("not landed");
}
