import type { Connection } from "@blkmig/transport";
import { connectTcp, connectUnix } from "@blkmig/transport/tcp";

import { openOver } from "./client-open.ts";
import type { NbdDevice, NbdUrl, OpenNbdOptions } from "./nbd-contract.ts";
import { NbdError } from "./nbd-error.ts";
import { formatNbdUrl } from "./nbd-url.ts";

/** Opens a disk behind NBD. Throws `NbdError`. */
export async function openNbd(url: NbdUrl, options: OpenNbdOptions = {}): Promise<NbdDevice> {
  const { at, exportName } = url;
  const text = formatNbdUrl(url);
  if (url.secure || options.tls) throw new NbdError("option", text, "TLS is not spoken here yet");
  const connect = async (signal: AbortSignal): Promise<Connection> =>
    at.kind === "tcp" ? connectTcp({ ...at, signal }) : connectUnix({ ...at, signal });
  return openOver({ ...options, url: text, connect, exportName });
}
