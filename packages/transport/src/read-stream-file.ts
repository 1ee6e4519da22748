import type { Connection } from "./connection.ts";
import { createReadConnection } from "./file-connection.ts";
import { openStreamFile } from "./stream-file.ts";

/**
 * A stream kept in a file, as a connection that can only be read; sending is refused. It may be a pipe (opening waits for
 * a writer) or a character device. Throws `TransportError` `io`.
 */
export async function readStreamFile(path: string): Promise<Connection> {
  const { handle, url } = await openStreamFile(path, "read");
  return createReadConnection(url, {
    read: async (into) => (await handle.read(into, 0, into.length, null)).bytesRead,
    close: () => handle.close(),
  });
}
