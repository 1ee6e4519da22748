import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import type { Connection } from "./connection.ts";
import { createWriteConnection } from "./file-connection.ts";
import { openStreamFile, type StreamFile } from "./stream-file.ts";

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
  const { handle, kind, url } = file;
  if (kind === "file") await handle.truncate(0);
  return createWriteConnection(url, {
    write: (segments) => writeAll(handle, segments),
    async finish() {
      if (kind === "file") await makeLast(file);
      await handle.close();
    },
    close: () => handle.close(),
  });
}

async function makeLast({ handle, path }: StreamFile): Promise<void> {
  await handle.sync();
  const folder = await open(dirname(path)); // its entry for the file is lost otherwise
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A write may take less than it was given (a full disk says so only at the next one). */
async function writeAll(handle: FileHandle, segments: readonly Uint8Array[]): Promise<void> {
  let rest = [...segments];
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
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
