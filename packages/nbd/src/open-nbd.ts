import type { Connection } from "@blkmig/transport";
import { connectTcp, connectUnix } from "@blkmig/transport/tcp";
import { assertTlsOptions, secureConnection, type TlsOptions } from "@blkmig/transport/tls";

import { openOver } from "./client-open.ts";
import type { NbdDevice, NbdUrl, OpenNbdOptions } from "./nbd-contract.ts";
import { readNbdKeys } from "./nbd-keys.ts";
import { formatNbdUrl } from "./nbd-url.ts";

/**
 * Opens a disk behind NBD. Throws `NbdError`, and `TypeError` for keys that are none. What a server said no to is a `DeviceError` of
 * that request alone; a broken connection is made anew. Reads are then sent again; a write only with `link`, else it is rejected, for
 * it may still land, and no flush is believed any more if an acknowledged write may be lost. A server without flush is taken by its
 * word: what it acknowledged needs none. `close()` waits for a server that is away no longer than 10 seconds.
 */
export async function openNbd(url: NbdUrl, options: OpenNbdOptions = {}): Promise<NbdDevice> {
  const { at, exportName } = url;
  const tls = options.tls ?? (await readNbdKeys(url, "client"))?.tls;
  if (tls) assertTlsOptions(tls);
  const connect = async (signal: AbortSignal): Promise<Connection> =>
    at.kind === "tcp" ? connectTcp({ ...at, signal }) : connectUnix({ ...at, signal });
  const secure = tls && (async (connection: Connection) => secureConnection(connection, diallerOf(at, tls)));
  return openOver({ ...options, url: formatNbdUrl(url), connect, secure, exportName });
}

function diallerOf(at: NbdUrl["at"], tls: TlsOptions) {
  return { as: "dialler", tls, ...(at.kind === "tcp" ? { host: at.host } : {}) } as const;
}
