import type { TlsOptions } from "@blkmig/transport/tls";

import type { NbdUrl } from "./nbd-contract.ts";

/** Reads the key files that a URL names; undefined for a URL without TLS. Throws `TypeError` for what is no key, or none at all. */
export async function readNbdKeys(_url: NbdUrl, _role: "client" | "server"): Promise<TlsOptions | undefined> {
  throw new Error("not landed");
}
