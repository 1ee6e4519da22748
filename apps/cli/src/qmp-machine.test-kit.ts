import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

import { connectQmp, findLeftovers, type Leftover, type Qmp } from "@blkmig/qemu";
import { onTestFinished } from "vitest";

const PROGRAM = "qemu-system-x86_64";

/** Why there is no QEMU to try; undefined where there is one. */
export const hasQemu: boolean = spawnSync("setpriv", [PROGRAM, "--version"]).status === 0;

/** A disk of it: its drive id and its path; the device is called `dev-ID`. */
export interface MachineDisk {
  readonly id: string;
  readonly path: string;
  readonly format: "raw" | "qcow2";
}

/** A QEMU without an operating system: its guest runs a firmware that finds nothing, and writes nothing. */
export interface Machine {
  /** The monitor for blkmig. */
  readonly url: string;
  /** Another one for it. */
  readonly otherUrl: string;
  /** The test's own monitor. */
  readonly qmp: Qmp;
  status(): Promise<string>;
  untilStatus(status: string): Promise<void>;
  /** As the guest would: through the drive, so that it is dirty. */
  write(id: string, pattern: number, offset: number, length: number): Promise<void>;
  leftovers(): Promise<readonly Leftover[]>;
  /** What is there of anybody's: exports, and dirty bitmaps by their names. */
  all(): Promise<{ readonly exports: readonly string[]; readonly bitmaps: readonly string[] }>;
}

export interface MachineOptions {
  readonly path: (name: string) => string;
  readonly name?: string;
  readonly disks: readonly MachineDisk[];
  readonly more?: readonly string[];
}

/** It ends with the test. */
export async function startMachine({ path, name = "vm", disks, more = [] }: MachineOptions): Promise<Machine> {
  const sockets = [path(`${name}.qmp`), path(`${name}.other`), path(`${name}.own`)] as const;
  const machine = "-accel tcg -nodefaults -display none -M pc -m 64M".split(" ");
  const monitors = sockets.flatMap((socket) => ["-qmp", `unix:${socket},server=on,wait=off`]);
  const drives = disks.flatMap(({ id, path: file, format }) => {
    const device = `virtio-blk-pci,drive=${id},id=dev-${id}`;
    return ["-drive", `id=${id},if=none,file=${file},format=${format}`, "-device", device];
  });
  const words = ["--pdeathsig", "KILL", PROGRAM, ...machine, ...monitors, ...drives, ...more];
  const child = spawn("setpriv", words, { cwd: path("."), stdio: ["ignore", "ignore", "inherit"] });
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  const qmp = await untilItAnswers(sockets[2]);
  onTestFinished(() => qmp.close());

  const status = async (): Promise<string> => {
    const answer = (await qmp.execute("query-status")) as { readonly status: string };
    return answer.status;
  };
  return {
    url: `unix://${sockets[0]}`,
    otherUrl: `unix://${sockets[1]}`,
    qmp,
    status,
    async untilStatus(wanted) {
      while ((await status()) !== wanted) await wait(5);
    },
    async write(id, pattern, offset, length) {
      const line = `qemu-io ${id} "write -P ${pattern} ${offset} ${length}"`;
      const said = await qmp.execute("human-monitor-command", { "command-line": line });
      if (!String(said).includes("wrote") && said !== "") throw new Error(`${line}: ${String(said)}`);
    },
    leftovers: () => findLeftovers(qmp),
    async all() {
      const exports = (await qmp.execute("query-block-exports")) as readonly { readonly id: string }[];
      const nodes = (await qmp.execute("query-named-block-nodes", { flat: true })) as readonly {
        readonly "dirty-bitmaps"?: readonly { readonly name?: string }[];
      }[];
      const bitmaps = nodes.flatMap((node) => node["dirty-bitmaps"] ?? []).map((bitmap) => bitmap.name ?? "");
      return { exports: exports.map(({ id }) => id), bitmaps };
    },
  };
}

async function untilItAnswers(socket: string): Promise<Qmp> {
  for (;;) {
    try {
      return await connectQmp({ kind: "unix", path: socket });
    } catch {
      await wait(20); // it is being made
    }
  }
}
