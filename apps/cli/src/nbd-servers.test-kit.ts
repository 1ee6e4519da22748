import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

import { onTestFinished } from "vitest";

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

export const hasNbdkit: boolean = has("nbdkit");
/** qemu-nbd and qemu-img come in one package. */
export const hasQemuNbd: boolean = has("qemu-nbd") && has("qemu-img");

/** Somebody else's NBD server at a unix socket. It ends with the test. */
export interface ForeignServer {
  /** Of its default export. */
  readonly url: string;
  /** Gone at once, with whatever it had not written. */
  kill(): Promise<void>;
  /** The same again, at the same socket. */
  restart(): Promise<void>;
}

/** nbdkit with a plugin, its parameters and its filters. */
export async function startNbdkit(socket: string, ...words: readonly string[]): Promise<ForeignServer> {
  return startServer(socket, "nbdkit", ["-f", "--exit-with-parent", "-U", socket, ...words]);
}

/** qemu-nbd with an image and its options. */
export async function startQemuNbd(socket: string, ...words: readonly string[]): Promise<ForeignServer> {
  return startServer(socket, "qemu-nbd", ["--persistent", "--shared=16", "-k", socket, ...words]);
}

async function startServer(socket: string, program: string, args: readonly string[]): Promise<ForeignServer> {
  let running: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    running = child;
    while (!(await isAnswering(socket))) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${said}`);
      await wait(5);
    }
  };
  const kill = async (): Promise<void> => {
    const child = running;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    rmSync(socket, { force: true }); // killed, it leaves the file, on which the next one would not listen
  };
  onTestFinished(kill);
  await start();
  return { url: `nbd+unix:///?socket=${socket}`, kill, restart: start };
}

/** A server that welcomes nobody. `came` settles when the first one is there. */
export function startSilentServer(socket: string): { readonly url: string; readonly came: Promise<unknown> } {
  const peers: Socket[] = [];
  const server = createServer((peer) => void peers.push(peer));
  onTestFinished(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  server.listen(socket);
  return { url: `nbd+unix:///?socket=${socket}`, came: once(server, "connection") };
}

async function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** What qemu-img says, or that it failed. */
export function qemuImg(...args: readonly string[]): string {
  return execFileSync("qemu-img", args, { encoding: "utf8" });
}

/** Requests of qemu-io's to a qcow2 image. */
export function qemuIo(image: string, ...requests: readonly string[]): void {
  execFileSync("qemu-io", ["-f", "qcow2", ...requests.flatMap((request) => ["-c", request]), image], {
    stdio: "ignore",
  });
}
