import { once } from "node:events";
import type { ListenOptions, Server } from "node:net";

import { systemWords } from "./system-words.ts";
import { TransportError } from "./transport-error.ts";

/** Waits until the server listens. Throws `TransportError` `listen`, and the server is closed. */
export async function listenOn(server: Server, options: ListenOptions, url: string): Promise<void> {
  try {
    server.listen(options);
    await once(server, "listening");
  } catch (error) {
    throw new TransportError("listen", url, whyNot(error as NodeJS.ErrnoException, options), { cause: error });
  }
  // Afterwards an error is a failed accept (no descriptors left): that peer is lost, the listener is not.
  server.on("error", () => {});
}

function whyNot(error: NodeJS.ErrnoException, { path }: ListenOptions): string {
  if (error.code === "EADDRINUSE") return "is in use";
  // Node.js says the one for the other.
  if (error.code === "EACCES" && path !== undefined)
    return "cannot listen: its folder is missing, or permission is denied (EACCES)";
  return `cannot listen: ${systemWords(error)}`;
}
