import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

import type { QmpAddress } from "./qmp-contract.ts";

/** Ends its child when we end, however we end. */
const SETPRIV = "setpriv";

/** A QEMU that is installed here: `QEMU 7.2.22`, and the words that start it. */
export interface InstalledQemu {
  readonly name: string;
  readonly command: readonly string[];
}

/** Where `tooling/interop/get-qemu-10.sh` puts it. */
const FETCHED_QEMU_10 = fileURLToPath(new URL("../../../tooling/interop/.qemu/10.0/run", import.meta.url));

/** None at all where something that they need is missing: for `describe.skipIf(QEMUS.length === 0)`. */
export const QEMUS: readonly InstalledQemu[] = [
  "qemu-system-x86_64",
  process.env["BLKMIG_QEMU_10"] ?? FETCHED_QEMU_10,
].flatMap(installed);

export interface RealQemuOptions {
  /** Of its monitor: a unix socket that does not exist yet. */
  readonly path: string;
  /** After our own, which give it 96 MiB, no devices, and a firmware that finds nothing to boot. */
  readonly args: readonly string[];
  /** One of `QEMUS`' commands; default the first. */
  readonly binary?: readonly string[];
}

export interface RealQemu {
  readonly address: QmpAddress;
  readonly pid: number;
  /** Without a goodbye; settles when it is gone. */
  kill(): Promise<void>;
  /** Settles when it is gone, however it came. */
  readonly exited: Promise<void>;
}

/** Settles when its monitor takes connections. Throws what QEMU complains about. It does not outlive this process. */
export async function startRealQemu(options: RealQemuOptions): Promise<RealQemu> {
  const { path, args, binary = QEMUS[0]?.command ?? [] } = options;
  const machine = ["-accel", "tcg", "-nodefaults", "-display", "none", "-M", "pc", "-m", "96M"];
  const monitor = ["-qmp", `unix:${path},server=on,wait=off`];
  const words = ["--pdeathsig", "KILL", ...binary, ...machine, ...monitor, ...args];
  const child = spawn(SETPRIV, words, { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  let isOver = false;
  const exited = once(child, "close").then(() => void (isOver = true));
  while (!(await canVisit(path))) {
    if (isOver) throw new Error(`${binary.join(" ")} ${args.join(" ")}: ${complaint}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    address: { kind: "unix", path },
    pid: child.pid!,
    exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function installed(program: string): readonly InstalledQemu[] {
  if (program.includes("/") && !existsSync(program)) return [];
  const { status, stdout } = spawnSync(SETPRIV, [program, "--version"], { encoding: "utf8" });
  const version = /version (\S+)/u.exec(stdout ?? "")?.[1];
  return status === 0 && version !== undefined ? [{ name: `QEMU ${version}`, command: [program] }] : [];
}

async function canVisit(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const visit = connect({ path });
    visit.once("connect", () => {
      visit.destroy();
      resolve(true);
    });
    visit.once("error", () => resolve(false));
  });
}
