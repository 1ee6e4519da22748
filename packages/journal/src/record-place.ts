import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

import { type DiskIdentityLike, stableIdentity } from "./stable-identity.ts";

/** Where the record of a disk is kept. */
export interface RecordPlace {
  readonly path: string;
  /** Beside the disk itself; otherwise in the state directory. */
  readonly beside: boolean;
}

/** What is known of a disk whose record is looked for. An open disk of `@blkmig/device` is one. */
export interface DiskLike {
  readonly path: string;
  readonly kind: "file" | "block" | "nbd";
  readonly identity: DiskIdentityLike;
  /** Bytes. */
  readonly size: number;
}

/**
 * Where the record of a disk is, or would be; nothing is made. A file's is beside it, `<path>.blkmig`, by its path without
 * symbolic links. That of a block device, of a disk behind NBD, or of any disk if `stateDir` is given, is in the state directory, by
 * identity and size. Throws what `fs.realpath` throws.
 */
export async function placeOfRecord(
  disk: DiskLike,
  options: { readonly stateDir?: string } = {},
): Promise<RecordPlace> {
  if (disk.kind === "file" && options.stateDir === undefined) {
    return { path: `${await realpath(disk.path)}.blkmig`, beside: true };
  }
  const folder = resolve(options.stateDir ?? defaultStateDir());
  return { path: join(folder, nameOf(await stableIdentity(disk.identity), disk.size)), beside: false };
}

/** `$BLKMIG_STATE_DIR`, else `/var/lib/blkmig` for root, else `blkmig` in `$XDG_STATE_HOME` or `~/.local/state`. It is made, for its owner alone, with the first record. */
export function defaultStateDir(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  isRoot: boolean = process.getuid?.() === 0,
): string {
  const { BLKMIG_STATE_DIR: said, XDG_STATE_HOME: state, HOME: home } = environment;
  if (said) return said;
  if (isRoot) return "/var/lib/blkmig";
  // The XDG specification: a relative path there is to be ignored.
  if (state && isAbsolute(state)) return join(state, "blkmig");
  return join(home || homedir(), ".local/state/blkmig");
}

/** Readable as far as it goes, and different for different identities. */
function nameOf(identity: string, size: number): string {
  const readable = identity.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 60);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  return `${readable}.${digest}.${size}.blkmig`;
}
