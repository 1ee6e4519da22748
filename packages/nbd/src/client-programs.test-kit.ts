import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { NbdUrl } from "./nbd-contract.ts";

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

export const hasNbdkit: boolean = has("nbdkit");
export const hasCertificates: boolean = has("certtool");
export const hasQemuNbd: boolean = has("qemu-nbd");

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

  /** On a port of all addresses of this machine. */
  async nbdkitByTcp(args: readonly string[]): Promise<{ readonly port: number; kill(): Promise<void> }> {
    const port = await freePort();
    const child = this.#start("nbdkit", ["-f", "-p", String(port), ...args]);
    await this.#until(child, async () => canVisit({ port, host: "127.0.0.1" }));
    return { port, kill: async () => this.kill(child.process) };
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
    const child = this.#start(program, args);
    await this.#until(child, async () => existsSync(socket) && canVisit({ path: socket }));
    return { socket, url: urlOf(socket), kill: async () => this.kill(child.process) };
  }

  #start(program: string, args: readonly string[]): Child {
    const child = { process: spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] }), said: "" };
    this.#running.add(child.process);
    child.process.once("exit", () => this.#running.delete(child.process));
    child.process.stderr.on("data", (chunk: Buffer) => (child.said += chunk.toString()));
    return child;
  }

  async #until(child: Child, isReady: () => Promise<boolean>): Promise<void> {
    while (!(await isReady())) {
      if (child.process.exitCode !== null) throw new Error(`${child.process.spawnargs.join(" ")}: ${child.said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

interface Child {
  readonly process: ChildProcess;
  said: string;
}

export interface Server {
  readonly socket: string;
  readonly url: NbdUrl;
  kill(): Promise<void>;
}

function urlOf(socket: string): NbdUrl {
  return { at: { kind: "unix", path: socket }, exportName: "", secure: false };
}

async function canVisit(
  at: { readonly path: string } | { readonly port: number; readonly host: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    const visit = connect(at);
    visit.once("connect", () => {
      visit.destroy();
      resolve(true);
    });
    visit.once("error", () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A program that does its work and ends. */
export function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`, { cause: error });
  return stdout;
}
