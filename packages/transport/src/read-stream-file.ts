import { close, read } from "node:fs";
import { Writable } from "node:stream";
import { promisify } from "node:util";

import type { Connection } from "./connection.ts";
import { createReadConnection, readOnly } from "./file-connection.ts";
import { openInput } from "./open-stdio.ts";
import { createStreamConnection } from "./stream-connection.ts";
import { openStreamFile } from "./stream-file.ts";

/**
 * A stream kept in a file, as a connection that can only be read; sending is refused. It may be a pipe (opening waits for
 * a writer) or a character device. Throws `TransportError` `io`.
 */
export async function readStreamFile(path: string): Promise<Connection> {
  const { fd, kind, url } = await openStreamFile(path, "read");
  if (kind === "pipe") return readPipe(fd, url);
  return createReadConnection(url, {
    read: async (into) => (await promisify(read)(fd, into, 0, into.length, null)).bytesRead,
    close: () => promisify(close)(fd),
  });
}

function readPipe(fd: number, url: string): Connection {
  const { stream, inbox } = openInput(fd);
  const connection = createStreamConnection(stream, inbox, new Writable(), url);
  return { ...connection, send: () => Promise.reject(readOnly(url)), finish: () => Promise.resolve() };
}
