import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { getSystemErrorMap } from "node:util";

import { assertTlsOptions, type TlsOptions } from "@blkmig/transport/tls";

import type { NbdUrl } from "./nbd-contract.ts";
import { parsePskFile } from "./nbd-psk-file.ts";
import { formatNbdUrl } from "./nbd-url.ts";

/** What proves who we are, and tells who the other end must be. */
export interface NbdKeys {
  readonly tls: TlsOptions;
  /** One sentence each: secrets that are open to others. */
  readonly warnings: readonly string[];
}

/** At which end of a connection the keys are used. */
export type NbdRole = "client" | "server";

/**
 * Reads the key files that a URL names; undefined for a URL without TLS. With a PSK file a client has the key of the URL's
 * user, else the first in it, and a server has all. With certificates both ends always show one. Throws `TypeError` for a
 * file that cannot be read or holds no key, and for a secure URL that names no file.
 */
export async function readNbdKeys(url: NbdUrl, role: NbdRole): Promise<NbdKeys | undefined> {
  const { secure, pskFile, certificates, user } = url;
  if (!secure) return undefined;
  if (pskFile !== undefined) return readPsk(pskFile, role === "client" ? { user } : undefined);
  if (certificates !== undefined) return readCertificates(certificates, role);
  const example = `${url.at.kind === "unix" ? "&" : "?"}tls-psk-file=/etc/blkmig/keys.psk`;
  const ways = "add tls-psk-file=FILE or tls-certificates=FOLDER to it";
  throw new TypeError(`${formatNbdUrl(url)} names no keys: ${ways}, for example '${example}'`);
}

/** `only`: one key, of that user or the first. */
async function readPsk(path: string, only?: { readonly user: string | undefined }): Promise<NbdKeys> {
  const keys = parsePskFile(await textOf(path), path);
  const psk = only
    ? keys.filter(({ identity }, i) => (only.user === undefined ? i === 0 : identity === only.user))
    : keys;
  if (psk.length === 0) throw new TypeError(`${path} has no key for the user '${only?.user}'`);
  return { tls: checked({ psk }, path), warnings: await exposed(path) };
}

async function readCertificates(folder: string, role: NbdRole): Promise<NbdKeys> {
  const keyFile = join(folder, `${role}-key.pem`);
  const ca = await textOf(join(folder, "ca-cert.pem"));
  const cert = await textOf(join(folder, `${role}-cert.pem`));
  const key = await textOf(keyFile);
  return { tls: checked({ ca, cert, key }, folder), warnings: await exposed(keyFile) };
}

/** Now, and not when the first peer is there. */
function checked(tls: TlsOptions, path: string): TlsOptions {
  try {
    assertTlsOptions(tls);
    return tls;
  } catch (cause) {
    throw new TypeError(`${path}: ${(cause as Error).message}`, { cause });
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { errno = 0, message } = cause as NodeJS.ErrnoException;
    const [code, words] = getSystemErrorMap().get(errno) ?? ["", ""];
    throw new TypeError(`the key file ${path} cannot be read: ${words ? `${words} (${code})` : message}`, { cause });
  }
}

/** Who can read the secret can be either end. A pipe, such as a shell's <(…), is nobody else's. */
async function exposed(path: string): Promise<readonly string[]> {
  const stats = await stat(path);
  if (!stats.isFile() || (stats.mode & 0o077) === 0) return [];
  return [`${path} is open to other users of this machine: chmod 600 it, and make other keys`];
}
