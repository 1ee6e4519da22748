import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Connection } from "@blkmig/transport";
import { connectTcp, connectUnix } from "@blkmig/transport/tcp";
import { secureConnection } from "@blkmig/transport/tls";

import type { NbdUrl } from "./nbd-contract.ts";
import { readNbdKeys } from "./nbd-keys.ts";

/** A file as psktool writes it, under the name that QEMU wants. */
export function writePskFile(folder: string, users: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "keys.psk");
  writeFileSync(path, users.map((user) => `${user}:${randomBytes(32).toString("hex")}\n`).join(""), { mode: 0o600 });
  return path;
}

/** A folder as GnuTLS's certtool fills it for NBD programs: an authority, a server at 127.0.0.1 and disk.example, a client. */
export function writeCertificates(folder: string): string {
  const pki = join(folder, "pki");
  mkdirSync(pki);
  const file = (name: string) => join(pki, name);
  const certtool = (...words: readonly string[]) => execFileSync("certtool", words, { stdio: "pipe" });
  const generate = (who: string, lines: readonly string[], ...words: readonly string[]) => {
    writeFileSync(file(`${who}.info`), [...lines, "expiration_days = 2", ""].join("\n"));
    certtool("--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", file(`${who}-key.pem`));
    certtool(
      ...words,
      "--load-privkey",
      file(`${who}-key.pem`),
      "--template",
      file(`${who}.info`),
      "--outfile",
      file(`${who}-cert.pem`),
    );
  };
  generate("ca", ["cn = authority", "ca", "cert_signing_key"], "--generate-self-signed");
  const signer = ["--load-ca-certificate", file("ca-cert.pem"), "--load-ca-privkey", file("ca-key.pem")];
  const names = ["cn = disk.example", "dns_name = disk.example", "ip_address = 127.0.0.1"];
  generate("server", [...names, "tls_www_server", "signing_key"], "--generate-certificate", ...signer);
  generate("client", ["cn = client", "tls_www_client", "signing_key"], "--generate-certificate", ...signer);
  return pki;
}

const WORD = Buffer.from("IHAVEOPT");
const option = (code: number) => Buffer.concat([WORD, Buffer.from([0, 0, 0, code, 0, 0, 0, 0])]);
const [ABORT, STARTTLS] = [2, 5];
const ACKNOWLEDGED = 1;

/**
 * Goes on in TLS with a server, by hand: all bytes before and after it are written out here. Gives how the server ends after
 * it was told that we leave: `end`, or the code of an error.
 */
export async function visit(url: NbdUrl): Promise<string> {
  const { at } = url;
  const clear = await (at.kind === "tcp" ? connectTcp(at) : connectUnix(at));
  const greeting = await take(clear, 18);
  if (!greeting.subarray(8, 16).equals(WORD)) throw new Error("it is too old for options");
  await clear.send([Buffer.from([0, 0, 0, 3]), option(STARTTLS)]);
  expectAcknowledgement(await take(clear, 20));
  const { tls } = (await readNbdKeys(url, "client"))!;
  const secure = await secureConnection(clear, {
    as: "dialler",
    tls,
    ...(at.kind === "tcp" ? { host: at.host } : {}),
  });
  await secure.send([option(ABORT)]);
  expectAcknowledgement(await take(secure, 20));
  try {
    const n = await secure.read(new Uint8Array(1));
    return n === 0 ? "end" : "more";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    secure.destroy();
  }
}

function expectAcknowledgement(reply: Buffer): void {
  if (reply.readUInt32BE(12) !== ACKNOWLEDGED) throw new Error(`it answered ${reply.toString("hex")}`);
}

async function take(from: Connection, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  for (let filled = 0; filled < length;) {
    const n = await from.read(into.subarray(filled));
    if (n === 0) throw new Error(`it ended after ${filled} of ${length} bytes`);
    filled += n;
  }
  return into;
}
