import { readFile, stat } from "node:fs/promises";

import type { TlsOptions, WireUrl } from "@blkmig/transport/url";
import { type Command, Option } from "commander";

import { CommandError, messageOf } from "../command-error.ts";

/** What commander makes of the options of TLS. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tokenFile?: string;
}

/** Which files prove who we are, and tell who the other end must be. */
export type TlsFiles =
  | { readonly by: "certificates"; readonly cert: string; readonly key: string; readonly ca: string }
  | { readonly by: "token"; readonly path: string };

/** The keys themselves. */
export interface TlsKeys {
  readonly tls: TlsOptions;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

const CERTIFICATES = "--tls-cert, --tls-key and --tls-ca";

export function addTlsOptions(command: Command): void {
  command
    .optionsGroup("Encryption:")
    .addOption(new Option("--token-file <file>", "for tls: and wss:, a token that both ends know"))
    .addOption(new Option("--tls-cert <file>", "for tls: and wss:, our certificate (PEM)"))
    .addOption(new Option("--tls-key <file>", "the key of our certificate (PEM)"))
    .addOption(new Option("--tls-ca <file>", "who must have signed the other end's certificate (PEM)"));
}

/** Whether anything on that wire is encrypted by TLS. */
export function isEncrypted({ kind }: WireUrl): boolean {
  return kind === "tls" || kind === "wss";
}

/** The files that were said for an address: needed for `tls:` and `wss:`, refused with every other. */
export function parseTlsFiles(flags: TlsFlags, address: WireUrl): TlsFiles | undefined {
  const files = filesOf(flags);
  const { kind } = address;
  if (!isEncrypted(address)) {
    if (!files) return undefined;
    const said = files.by === "token" ? "--token-file" : CERTIFICATES;
    throw new CommandError("usage", `${said}: ${kind}: is in clear text; tls: and wss: are encrypted`);
  }
  if (files) return files;
  throw new CommandError("usage", `${kind}: needs --token-file, or ${CERTIFICATES}`);
}

function filesOf({ tlsCert: cert, tlsKey: key, tlsCa: ca, tokenFile }: TlsFlags): TlsFiles | undefined {
  const some = cert !== undefined || key !== undefined || ca !== undefined;
  if (some && tokenFile !== undefined) {
    throw new CommandError("usage", `--token-file and ${CERTIFICATES} are two ways to the same: say one of them`);
  }
  if (tokenFile !== undefined) return { by: "token", path: tokenFile };
  if (!some) return undefined;
  if (cert !== undefined && key !== undefined && ca !== undefined) return { by: "certificates", cert, key, ca };
  throw new CommandError("usage", `${CERTIFICATES} are needed all together`);
}

/** Reads them. Throws `CommandError` `refused` for a file that cannot be read, or holds no token. */
export async function openTlsKeys(files: TlsFiles): Promise<TlsKeys> {
  if (files.by === "token") return openToken(files.path);
  const cert = await textOf(files.cert, "--tls-cert");
  const key = await textOf(files.key, "--tls-key");
  const ca = await textOf(files.ca, "--tls-ca");
  return { tls: { cert, key, ca }, warnings: await exposed(files.key, "--tls-key") };
}

async function openToken(path: string): Promise<TlsKeys> {
  const text = await textOf(path, "--token-file");
  const { parseToken } = await import("@blkmig/transport/tls");
  try {
    return { tls: { token: parseToken(text) }, warnings: await exposed(path, "--token-file") };
  } catch (cause) {
    throw new CommandError("refused", `--token-file: ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function textOf(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CommandError("refused", `${option}: ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Who can read the secret can be either end. A pipe, such as a shell's <(…), is nobody else's. */
async function exposed(path: string, option: string): Promise<readonly string[]> {
  const stats = await stat(path);
  if (!stats.isFile() || (stats.mode & 0o077) === 0) return [];
  return [`${option}: ${path} is open to other users of this machine: chmod 600 it, and take another one`];
}
