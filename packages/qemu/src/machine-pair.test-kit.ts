import { rmSync } from "node:fs";
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
  /** Of the destination, instead of `-incoming`. */
  readonly startThere?: readonly string[];
}

let pairs = 0;

export async function startMachinePair(options: MachinePairOptions): Promise<MachinePair> {
  const { folder, qemus, bandwidth, clock = systemClock, onRelease } = options;
  const name = join(folder, String((pairs += 1)));
  const uri = `unix:${name}.mig`;
  const machine = ["-M", "pc-i440fx-7.2"];
  const incoming = options.startThere ?? ["-incoming", uri];
  const [here, there] = await Promise.all([
    startRealQemu({ path: `${name}.a.qmp`, args: machine, binary: qemus[0].command }),
    startRealQemu({ path: `${name}.b.qmp`, args: [...machine, ...incoming], binary: qemus[1].command }),
  ]);
  const source = await connectQmp(here.address, { timeoutMs: 2000 });
  const destination = await connectQmp(there.address, { timeoutMs: 2000 });
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
      for (const end of [".a.qmp", ".b.qmp", ".mig"]) rmSync(`${name}${end}`, { force: true });
    },
  };
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
