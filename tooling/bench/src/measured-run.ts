import type { StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";

import { childrenCpuSeconds } from "./children-cpu.ts";
import { type ProcessOfRun, startProcess } from "./process-of-run.ts";
import type { Sample } from "./results.ts";

/** Which end of a copy a process belongs to, or neither: it is weighed in CPU seconds, and its memory is not looked at. */
export type Side = "sender" | "receiver" | "neither";

/** A run that is being measured. */
export interface MeasuredRun {
  /** Starts a process of the run. One that still runs at the end is ended by SIGTERM, and waited for. */
  start(side: Side, command: string, words: readonly string[], stdio?: StdioOptions): Promise<ProcessOfRun>;
  /** Does this, and counts its time and what goes over the loopback meanwhile, of everybody. What comes before and after is not timed. */
  timed<T>(copy: () => Promise<T>): Promise<T>;
}

/** What the run itself knows; of what goes over TCP, and nothing says how much it was, that the loopback shall say it. */
export interface Told {
  readonly wireBytes?: number | "loopback";
  readonly extra?: Readonly<Record<string, number>>;
}

/** A peak only grows, so that looking seldom costs what a process takes in its last moments. */
const LOOK_AT_MEMORY_MS = 10;

/**
 * Measures what `run` starts. CPU seconds are those of all processes that end between the first start and the end of the last
 * one, so only one run may be measured at a time, and nothing else may be started meanwhile.
 */
export async function measureRun(run: (measured: MeasuredRun) => Promise<Told>): Promise<Sample> {
  const processes: { readonly side: Side; readonly process: ProcessOfRun }[] = [];
  const look = (): void => processes.forEach(({ process }) => void process.lookAtMemory());
  const watch = setInterval(look, LOOK_AT_MEMORY_MS);
  // Whoever interrupts the bench shall not be left with servers.
  const killAll = (): void => processes.forEach(({ process: one }) => void one.process.kill("SIGKILL"));
  process.once("exit", killAll);
  const cpuBefore = childrenCpuSeconds();
  let [seconds, loopbackBytes] = [0, 0];

  let hasRun = false;
  let told: Told;
  try {
    told = await run({
      async start(side, command, words, stdio) {
        const started = await startProcess(command, words, stdio);
        processes.push({ side, process: started });
        return started;
      },
      async timed(copy) {
        const [began, sentBefore] = [performance.now(), loopbackReceived()];
        try {
          return await copy();
        } finally {
          seconds += (performance.now() - began) / 1000;
          loopbackBytes += loopbackReceived() - sentBefore;
        }
      },
    });
    hasRun = true;
    look();
  } finally {
    for (const { process: one } of processes) one.process.kill(hasRun ? "SIGTERM" : "SIGKILL");
    await Promise.all(processes.map(async ({ process: one }) => one.ended));
    clearInterval(watch);
    process.off("exit", killAll);
  }
  const { extra } = told;
  const wireBytes = told.wireBytes === "loopback" ? loopbackBytes : told.wireBytes;
  const largest = (end: Side): number =>
    Math.max(0, ...processes.filter(({ side }) => side === end).map(({ process }) => process.lookAtMemory()));
  return {
    seconds,
    cpuSeconds: childrenCpuSeconds() - cpuBefore,
    peakMiB: [largest("sender"), largest("receiver")],
    ...(wireBytes !== undefined && { wireBytes }),
    ...(extra && { extra }),
  };
}

/** Bytes that the loopback has delivered, of everybody. */
function loopbackReceived(): number {
  const counters = /^\s*lo:\s*(\d+)/m.exec(readFileSync("/proc/net/dev", "utf8"));
  return Number(counters?.[1] ?? 0);
}
