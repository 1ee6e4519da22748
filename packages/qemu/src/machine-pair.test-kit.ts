import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Clock, systemClock } from "@blkmig/device";
import * as v from "valibot";

import { connectQmp } from "./connect-qmp.ts";
import type { MachineMove } from "./machine-contract.ts";
import { createReleasedDisks, type ReleasedDisks } from "./machine-disks.test-kit.ts";
import { createMachineMove } from "./machine-move.ts";
import type { Qmp } from "./qmp-contract.ts";
import { type InstalledQemu, type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

/** Two QEMUs without a guest worth the name, the second of which waits for the first one's machine. */
export interface MachinePair {
  readonly source: Qmp;
  readonly destination: Qmp;
  readonly there: RealQemu;
  readonly live: ReleasedDisks;
  readonly move: MachineMove;
  readonly warnings: readonly string[];
  /** What both say that their guests do; `gone` of one that answers no more. */
  guests(): Promise<readonly [source: string, destination: string]>;
  /** Of the source: what the move changes for its time. */
  settings(): Promise<string>;
  end(): Promise<void>;
}

export interface MachinePairOptions {
  readonly folder: string;
  readonly qemus: readonly [InstalledQemu, InstalledQemu];
  /** Bytes a second that QEMU may send of the memory: there are about 500 kB to send. */
  readonly bandwidth?: number;
  readonly clock?: Clock;
  readonly onRelease?: (pair: { readonly there: RealQemu }) => void;
  /** The guest writes 512 KiB of its memory, over and over. */
  readonly isBusy?: boolean;
  /** Of the destination, instead of `-incoming`. */
  readonly startThere?: readonly string[];
}

let pairs = 0;

export async function startMachinePair(options: MachinePairOptions): Promise<MachinePair> {
  const { folder, qemus, bandwidth, clock = systemClock, onRelease, isBusy = false } = options;
  const name = join(folder, String((pairs += 1)));
  const uri = `unix:${name}.mig`;
  const machine = (end: string): readonly string[] => {
    const version = ["-M", "pc-i440fx-7.2"];
    if (!isBusy) return version;
    const disk = `${name}.${end}.img`;
    writeFileSync(disk, Buffer.concat([WRITING_GUEST], 1024 * 1024));
    return [...version, "-drive", `file=${disk},format=raw,if=ide`];
  };
  const incoming = options.startThere ?? ["-incoming", uri];
  const [here, there] = await Promise.all([
    startRealQemu({ path: `${name}.a.qmp`, args: machine("a"), binary: qemus[0].command }),
    startRealQemu({ path: `${name}.b.qmp`, args: [...machine("b"), ...incoming], binary: qemus[1].command }),
  ]);
  const source = await connectQmp(here.address, { timeoutMs: 2000 });
  const destination = await connectQmp(there.address, { timeoutMs: 2000 });
  if (isBusy) await untilItWrites(source);
  if (bandwidth !== undefined) await source.execute("migrate-set-parameters", { "max-bandwidth": bandwidth });
  const live = createReleasedDisks(() => onRelease?.({ there }));
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const move = createMachineMove({ source, destination, uri, live, downtimeLimit: () => 300, clock, warn });
  return {
    source,
    destination,
    there,
    live,
    move,
    warnings,
    guests: async () => [await guestOf(source), await guestOf(destination)],
    async settings() {
      const on = v.parse(CAPABILITIES, await source.execute("query-migrate-capabilities")).filter(({ state }) => state);
      const parameters = v.parse(PARAMETERS, await source.execute("query-migrate-parameters"));
      return [...on.map(({ capability }) => capability), parameters["downtime-limit"]].join(" ");
    },
    async end() {
      source.close();
      destination.close();
      await Promise.all([here.kill(), there.kill()]);
      for (const end of [".a.qmp", ".a.img", ".b.qmp", ".b.img", ".mig"]) rmSync(`${name}${end}`, { force: true });
    },
  };
}

/** A boot sector: adds one to a byte of each page from 64 KiB to 576 KiB, and again. */
const WRITING_GUEST = Buffer.alloc(512);
WRITING_GUEST.set([0xb8, 0x00, 0x10]); // mov ax, 0x1000
WRITING_GUEST.set([0x8e, 0xc0], 3); // page: mov es, ax
WRITING_GUEST.set([0x26, 0xfe, 0x06, 0x00, 0x00], 5); // inc byte [es:0]
WRITING_GUEST.set([0x05, 0x00, 0x01], 10); // add ax, 0x100
WRITING_GUEST.set([0x3d, 0x00, 0x90], 13); // cmp ax, 0x9000
WRITING_GUEST.set([0x72, 0xf1], 16); // jb page
WRITING_GUEST.set([0xeb, 0xec], 18); // jmp to the begin
WRITING_GUEST.set([0x55, 0xaa], 510);

async function untilItWrites(qmp: Qmp): Promise<void> {
  const look = async (): Promise<unknown> =>
    qmp.execute("human-monitor-command", { "command-line": "xp /1bx 0x10000" });
  const first = await look();
  while ((await look()) === first) await new Promise((resolve) => setTimeout(resolve, 10));
}

const CAPABILITIES = v.array(v.looseObject({ capability: v.string(), state: v.boolean() }));
const PARAMETERS = v.looseObject({ "downtime-limit": v.number() });
const STATUS = v.looseObject({ status: v.string() });

async function guestOf(qmp: Qmp): Promise<string> {
  try {
    return v.parse(STATUS, await qmp.execute("query-status")).status;
  } catch {
    return "gone";
  }
}

/** Time that passes so many times as fast, for limits of a minute. */
export function fastClock(times: number): Clock {
  return { now: () => systemClock.now() * times, sleep: (ms, signal) => systemClock.sleep(ms / times, signal) };
}
