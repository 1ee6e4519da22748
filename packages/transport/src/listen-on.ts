import { once } from "node:events";
import type { ListenOptions, Server } from "node:net";

import { TransportError } from "./transport-error.ts";

/** Waits until the server listens. Throws `TransportError` `listen`, and the server is closed. */
export async function listenOn(server: Server, options: ListenOptions, url: string): Promise<void> {
  try {
    server.listen(options);
    await once(server, "listening");
  } catch (error) {
    const system = error as NodeJS.ErrnoException;
    const what = system.code === "EADDRINUSE" ? "is in use" : `cannot listen: ${system.message}`;
    throw new TransportError("listen", url, what, { cause: error });
  }
  // Afterwards an error is a failed accept (no descriptors left): that peer is lost, the listener is not.
  server.on("error", () => {});
}
