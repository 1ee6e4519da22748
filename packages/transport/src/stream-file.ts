import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";

import { TransportError } from "./transport-error.ts";
import { toTransportError } from "./wire-state.ts";

/** What a stream can be kept in or come from. */
export type StreamFileKind = "file" | "device" | "pipe";

export interface StreamFile {
  readonly handle: FileHandle;
  readonly kind: StreamFileKind;
  readonly path: string;
  readonly url: string;
}

const FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_WRONLY | constants.O_CREAT, // emptied later: first it must be known to be a file
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};

/** Opens what a stream may be kept in; the caller closes it. Throws `TransportError` `io`. */
export async function openStreamFile(given: string, mode: keyof typeof FLAGS): Promise<StreamFile> {
  const path = resolve(given);
  const url = `file://${path}`;
  const handle = await open(path, FLAGS[mode], 0o600).catch((error: unknown) => {
    throw toTransportError(url, error);
  });
  const kind = await kindOf(handle);
  if (kind) return { handle, kind, path, url };
  await handle.close();
  throw new TransportError("io", url, "is no file, pipe or character device: a stream cannot be kept there");
}

/** Undefined for folders, and for block devices: a stream written over a disk is a mistake. */
async function kindOf(handle: FileHandle): Promise<StreamFileKind | undefined> {
  const file = await handle.stat();
  if (file.isFile()) return "file";
  if (file.isFIFO()) return "pipe";
  if (file.isCharacterDevice()) return "device";
  return undefined;
}
