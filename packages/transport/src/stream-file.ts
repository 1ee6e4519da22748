import { close, constants, fstat, open } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";

import { TransportError } from "./transport-error.ts";
import { toTransportError } from "./wire-state.ts";

/** What a stream can be kept in or come from. */
type StreamFileKind = "file" | "device" | "pipe";

export interface StreamFile {
  /** Owned by whoever opened it: a pipe's goes over to a socket, which a `FileHandle` could not. */
  readonly fd: number;
  readonly kind: StreamFileKind;
  readonly path: string;
  readonly url: string;
}

const FLAGS: Readonly<Record<"read" | "write" | "create", number>> = {
  read: constants.O_RDONLY,
  write: constants.O_WRONLY | constants.O_CREAT, // emptied later: first it must be known to be a file
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};

/** Opens what a stream may be kept in; the caller closes it. Throws `TransportError` `io`. */
export async function openStreamFile(given: string, mode: keyof typeof FLAGS): Promise<StreamFile> {
  const path = resolve(given);
  const url = `file://${path}`;
  const fd = await promisify(open)(path, FLAGS[mode], 0o600).catch((error: unknown) => {
    throw toTransportError(url, error);
  });
  const kind = await kindOf(fd);
  if (kind) return { fd, kind, path, url };
  await promisify(close)(fd);
  throw new TransportError("io", url, "is no file, pipe or character device: a stream cannot be kept there");
}

/** Undefined for folders, and for block devices: a stream written over a disk is a mistake. */
async function kindOf(fd: number): Promise<StreamFileKind | undefined> {
  const file = await promisify(fstat)(fd);
  if (file.isFile()) return "file";
  if (file.isFIFO()) return "pipe";
  if (file.isCharacterDevice()) return "device";
  return undefined;
}
