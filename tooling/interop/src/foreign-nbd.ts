import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";

import { onTestFinished } from "vitest";

import type { NbdPlace } from "./live-guest.ts";

interface ForeignOptions {
  /** Where its own files may be: `temporaryFolder()`. */
  readonly path: (name: string) => string;
  /** The raw file that it serves. */
  readonly image: string;
  readonly export: string;
}

const SETPRIV = "setpriv";
const RETRY_MS = 20;

/** Starts nbdkit; filters stand before the file, and have parameters. It is killed when the test is over. */
export function startNbdkit(
  options: ForeignOptions,
  filters: readonly string[] = [],
  parameters: readonly string[] = [],
): Promise<NbdPlace> {
  const chain = filters.map((filter) => `--filter=${filter}`);
  return start(options, (socket) => ["nbdkit", "-f", "-U", socket, ...chain, "file", options.image, ...parameters]);
}

/** Starts qemu-nbd. It is killed when the test is over. */
export function startQemuNbd(options: ForeignOptions): Promise<NbdPlace> {
  const flags = ["--persistent", "--discard=unmap", "--format=raw", `--export-name=${options.export}`];
  return start(options, (socket) => ["qemu-nbd", `--socket=${socket}`, ...flags, options.image]);
}

async function start(
  options: ForeignOptions,
  commandLine: (socket: string) => readonly [program: string, ...args: string[]],
): Promise<NbdPlace> {
  const socket = options.path(`${options.export}.nbd`);
  const [program, ...args] = commandLine(socket);
  // If the tests themselves are killed, nobody is left to stop it.
  const child = spawn(SETPRIV, ["--pdeathsig", "KILL", program, ...args], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  // Neither program says that it listens, so it is tried.
  while (!(await listensAt(socket))) {
    if (child.exitCode !== null) throw new Error(`${program} ended (${child.exitCode}) before it listened`);
    await setTimeout(RETRY_MS);
  }
  return { server: { type: "unix", path: socket }, export: options.export };
}

async function listensAt(path: string): Promise<boolean> {
  const socket = connect(path);
  const listens = once(socket, "connect").then(
    () => true,
    () => false,
  );
  return listens.finally(() => socket.destroy());
}
