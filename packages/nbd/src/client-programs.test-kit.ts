import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { NbdUrl } from "./nbd-contract.ts";

export const hasNbdkit = spawnSync("nbdkit", ["--version"]).status === 0;
export const hasCertificates = spawnSync("certtool", ["--version"]).status === 0;
export const hasQemuNbd = spawnSync("qemu-nbd", ["--version"]).status === 0;

/** A folder of one test, and the programs that it started: `end()` ends both. */
export class Programs {
  readonly folder: string = mkdtempSync(join(tmpdir(), "blkmig-nbd-"));
  readonly #running = new Set<ChildProcess>();
  #count = 0;

  path(name: string): string {
    return join(this.folder, name);
  }

  freshPath(kind: string): string {
    this.#count += 1;
    return this.path(`${this.#count}.${kind}`);
  }

  /** Other people's server on a fresh socket, or on this one again. */
  async nbdkit(args: readonly string[], socket: string = this.freshPath("sock")): Promise<Server> {
    return this.#serve("nbdkit", ["-f", "-U", socket, ...args], socket);
  }

  async qemuNbd(args: readonly string[], socket: string = this.freshPath("sock")): Promise<Server> {
    return this.#serve("qemu-nbd", ["-t", "-k", socket, ...args], socket);
  }

  /** A folder as libnbd, nbdkit and QEMU want it: an authority, and a server and a client that it has signed. */
  certificates(): string {
    const folder = mkdtempSync(this.path("pki-"));
    const file = (name: string): string => join(folder, name);
    const template = (name: string, ...lines: readonly string[]): string => {
      writeFileSync(file(`${name}.info`), lines.join("\n"));
      return file(`${name}.info`);
    };
    const privateKey = (name: string): string => {
      writeFileSync(file(name), run("certtool", "--generate-privkey", "--ecc"));
      return file(name);
    };
    const ca = [
      "--load-privkey",
      privateKey("ca-key.pem"),
      "--template",
      template("ca", "cn = authority", "ca", "cert_signing_key"),
    ];
    run("certtool", "--generate-self-signed", ...ca, "--outfile", file("ca-cert.pem"));
    const signer = ["--load-ca-certificate", file("ca-cert.pem"), "--load-ca-privkey", file("ca-key.pem")];
    for (const [name, use] of [
      ["server", "tls_www_server"],
      ["client", "tls_www_client"],
    ] as const) {
      const lines = [`cn = ${name}`, "dns_name = localhost", "ip_address = 127.0.0.1", use, "signing_key"];
      const own = ["--load-privkey", privateKey(`${name}-key.pem`), "--template", template(name, ...lines)];
      run("certtool", "--generate-certificate", ...own, ...signer, "--outfile", file(`${name}-cert.pem`));
    }
    return folder;
  }

  /** One user's key, as psktool writes it. */
  keys(user = "alice"): string {
    const path = this.freshPath("psk");
    writeFileSync(path, `${user}:${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
    return path;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running].map(async (child) => this.kill(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Without a goodbye. */
  async kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async #serve(program: string, args: readonly string[], socket: string): Promise<Server> {
    rmSync(socket, { force: true }); // what a killed one left behind would be taken for the new one
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    while (!(await isListening(socket))) {
      if (child.exitCode !== null) throw new Error(`${program} ${args.join(" ")}: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { socket, url: urlOf(socket), kill: async () => this.kill(child) };
  }
}

export interface Server {
  readonly socket: string;
  readonly url: NbdUrl;
  kill(): Promise<void>;
}

export function urlOf(socket: string, exportName = ""): NbdUrl {
  return { at: { kind: "unix", path: socket }, exportName, secure: false };
}

/** Without a visit: a server of one client would be gone after it. */
async function isListening(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false;
  return new Promise((resolve) => {
    const visit = connect(socket);
    visit.once("connect", () => resolve(true));
    visit.once("error", () => resolve(false));
    visit.once("close", () => visit.destroy());
    visit.once("connect", () => visit.destroy());
  });
}

/** A program that does its work and ends. */
export function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`, { cause: error });
  return stdout;
}
