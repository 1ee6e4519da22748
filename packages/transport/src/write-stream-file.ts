import { close, fsync, ftruncate, open, writev } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";

import type { Connection } from "./connection.ts";
import { createWriteConnection } from "./file-connection.ts";
import { openOutput } from "./open-stdio.ts";
import { readStream } from "./read-stream.ts";
import { createStreamConnection } from "./stream-connection.ts";
import { openStreamFile, type StreamFile } from "./stream-file.ts";

/** How a file that keeps a stream is made. */
export interface WriteStreamFileOptions {
  /** The file must not exist yet. */
  readonly exclusive?: boolean;
}

/**
 * Keeps a stream in a file, as a connection that can only be sent to; its reads give 0. The file is written in place and
 * readable by its owner only. `finish()` settles when the bytes and the file's name would survive a power cut; a
 * connection that was destroyed leaves what it had written. It may be a pipe (opening waits for a reader) or a
 * character device. Throws `TransportError` `io`.
 */
export async function writeStreamFile(path: string, options: WriteStreamFileOptions = {}): Promise<Connection> {
  const file = await openStreamFile(path, options.exclusive ? "create" : "write");
  const { fd, kind, url } = file;
  if (kind === "pipe") {
    const nothing = Readable.from([]);
    return createStreamConnection(nothing, readStream(nothing), openOutput(fd), url);
  }
  if (kind === "file") await promisify(ftruncate)(fd, 0);
  return createWriteConnection(url, {
    write: (segments) => writeAll(fd, segments),
    finish: () => (kind === "file" ? makeLast(file) : Promise.resolve()),
    close: () => promisify(close)(fd),
  });
}

async function makeLast({ fd, path }: StreamFile): Promise<void> {
  await promisify(fsync)(fd);
  const folder = await promisify(open)(dirname(path), "r"); // its entry for the file is lost otherwise
  try {
    await promisify(fsync)(folder);
  } finally {
    await promisify(close)(folder);
  }
}

/** A write may take less than it was given (a full disk says so only at the next one). */
async function writeAll(fd: number, segments: readonly Uint8Array[]): Promise<void> {
  let rest = [...segments];
  while (rest.length > 0) {
    const { bytesWritten } = await promisify(writev)(fd, rest);
    rest = afterBytes(rest, bytesWritten);
  }
}

/** What is left of the segments behind the first bytes of them. */
export function afterBytes(segments: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const index = segments.findIndex((segment) => {
    if (skip < segment.length) return true;
    skip -= segment.length;
    return false;
  });
  if (index === -1) return [];
  return [segments[index]!.subarray(skip), ...segments.slice(index + 1)];
}
