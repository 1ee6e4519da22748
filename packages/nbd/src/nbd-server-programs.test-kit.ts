import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { type BlockDevice, openDisk } from "@blkmig/device";

import { listenNbd } from "./listen-nbd.ts";
import type { NbdExport, NbdServerOptions } from "./nbd-contract.ts";
import { createNbdServer } from "./nbd-server.ts";

/** Debian's own folders first: nbdsh needs its Python. */
const ENV = { ...process.env, PATH: `/usr/bin:/usr/sbin:/sbin:${process.env["PATH"] ?? ""}`, LC_ALL: "C" };
const MOST_OUTPUT = 16 * 1024 * 1024;

export function hasProgram(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`], { env: ENV }).status === 0;
}

/** Runs a program to its end; gives what it printed. Throws what it complained about. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    env: ENV,
    maxBuffer: MOST_OUTPUT,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return stdout;
}

/** What a program that must fail complains about. */
export async function complaint(program: string, args: readonly string[]): Promise<string> {
  try {
    await run(program, args);
  } catch (error) {
    return String((error as { readonly stderr?: string }).stderr);
  }
  throw new Error(`${program} did not fail`);
}

/** A Python script for nbdsh, which has a handle `h`, connected. */
export async function nbdsh(url: string, script: string): Promise<string> {
  const lines = script.split("\n");
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/u)));
  const flat = lines.map((line) => line.slice(indent)).join("\n");
  return run("nbdsh", ["--base-allocation", "-u", url, "-c", flat]);
}

export interface Served {
  readonly folder: string;
  /** Of the server, without an export. */
  readonly socket: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly url: (exportName?: string) => string;
  path(name: string): string;
  open(name: string, options?: { readonly readOnly?: boolean }): Promise<BlockDevice>;
  /** What clients may have from now on. */
  offer(...exports: readonly NbdExport[]): void;
  end(): Promise<void>;
}

/** A server on a unix socket in a folder of its own. */
export async function serveForPrograms(options: Omit<NbdServerOptions, "exports"> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-nbd-"));
  const socket = join(folder, "s");
  const devices: BlockDevice[] = [];
  let exports: readonly NbdExport[] = [];
  const server = createNbdServer({ ...options, exports: () => exports });
  const place = { exportName: "", secure: options.tls !== undefined };
  const listener = await listenNbd({ ...place, at: { kind: "unix", path: socket } }, server);
  const tcp = await listenNbd({ ...place, at: { kind: "tcp", host: "127.0.0.1", port: 0 } }, server);
  return {
    folder,
    socket,
    port: Number(new URL(tcp.url).port),
    url: (exportName = "") => `nbd+unix:///${exportName}?socket=${socket}`,
    path: (name) => join(folder, name),
    async open(name, opening) {
      const device = await openDisk(join(folder, name), { readOnly: opening?.readOnly ?? false });
      devices.push(device);
      return device;
    },
    offer: (...offered) => void (exports = offered),
    async end() {
      await Promise.all([listener.close(), tcp.close()]);
      await server.close("now");
      await Promise.all(devices.map(async (device) => device.close()));
      await rm(folder, { recursive: true });
    },
  };
}
