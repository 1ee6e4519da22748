import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type JsonEvent, runBlkmig, type Running, startBlkmig } from "./run-blkmig.test-kit.ts";

/** Whether GnuTLS's maker of certificates is there. */
export const hasCerttool: boolean = spawnSync("certtool", ["--version"]).status === 0;

/** A running `blkmig receive --nbd`. */
export interface NewOwner {
  readonly running: Running;
  /** Where the sender comes to. */
  readonly to: string;
  /** Where NBD is spoken: settles when it is known, which is when it serves. */
  served(): Promise<string>;
}

export interface NewOwnerOptions {
  /** Targets by the disks' names. */
  readonly disks: Readonly<Record<string, string>>;
  /** Where it listens. */
  readonly at?: string;
  readonly nbd?: string;
  readonly more?: readonly string[];
}

export async function startOwner(options: NewOwnerOptions): Promise<NewOwner> {
  const { disks, at = "tcp://127.0.0.1:0", nbd = "nbd://127.0.0.1:0", more = [] } = options;
  const running = startBlkmig(["receive", at, "--json", ...diskWords(disks), "--nbd", nbd, ...more]);
  return {
    running,
    to: await running.url(),
    async served() {
      const { nbd: urls } = await running.until(({ event }) => event === "serving");
      return (urls as readonly string[])[0]!;
    },
  };
}

function diskWords(disks: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(disks).flatMap(([name, path]) => ["--disk", `${name}=${path}`]);
}

/** What a running server says of itself. */
export async function statusAt(control: string): Promise<JsonEvent> {
  const { events } = await runBlkmig(["status", "--json", "--control", control]);
  return events[0]!;
}

/** Ends a server and says how it ended. */
export async function end({ process, ended }: Running): Promise<number | null> {
  process.kill("SIGTERM");
  return (await ended).code;
}

/** A file as psktool writes it. */
export function writeKeys(path: string, users: readonly string[]): string {
  writeFileSync(path, users.map((user) => `${user}:${randomBytes(32).toString("hex")}\n`).join(""), { mode: 0o600 });
  return path;
}

/** A folder as GnuTLS's certtool fills it for NBD programs: an authority, a server at 127.0.0.1, and a client. */
export function writeCertificates(folder: string): string {
  mkdirSync(folder);
  const file = (name: string): string => join(folder, name);
  const certtool = (...words: readonly string[]): Buffer => execFileSync("certtool", words, { stdio: "pipe" });
  const make = (who: string, lines: readonly string[], ...words: readonly string[]): void => {
    const [info, key] = [file(`${who}.info`), file(`${who}-key.pem`)];
    writeFileSync(info, [...lines, "expiration_days = 2", ""].join("\n"));
    certtool("--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", key);
    execFileSync("chmod", ["600", key]);
    certtool(...words, "--load-privkey", key, "--template", info, "--outfile", file(`${who}-cert.pem`));
  };
  make("ca", ["cn = authority", "ca", "cert_signing_key"], "--generate-self-signed");
  const signer = ["--load-ca-certificate", file("ca-cert.pem"), "--load-ca-privkey", file("ca-key.pem")];
  const server = ["cn = localhost", "ip_address = 127.0.0.1", "tls_www_server", "signing_key"];
  make("server", server, "--generate-certificate", ...signer);
  make("client", ["cn = client", "tls_www_client", "signing_key"], "--generate-certificate", ...signer);
  return folder;
}
