import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import type { QmpAddress } from "@blkmig/qemu";

import { PROGRAM } from "../own-program.ts";

/** What the watchdog is told, as one line of JSON. */
export interface WatchdogOrders {
  readonly monitor: QmpAddress;
  readonly migration: string;
  /** The process that it stands in for. */
  readonly pid: number;
  /** Absolute paths of the disks' records. */
  readonly records: readonly string[];
  /** Of the QEMU to which the machine goes, if it does. */
  readonly destination?: QmpAddress;
  /** Milliseconds for which a monitor that does not answer is tried again. */
  readonly patience: number;
}

/** The word that ends it: nothing is left to be done. */
export const OVER = "over";
/** The hidden command that is the watchdog. */
export const WATCHDOG_COMMAND = "watch-qemu";

/** A process that outlives this one, and gives the guest back if this one ends without a word. */
export interface Watchdog {
  /** Nothing is left to be done; settles when it has gone. */
  over(): Promise<void>;
  /** It is to do what is left, once this process has let go of the monitor. */
  leave(): void;
}

/** Settles when it watches. Throws where no process can be started. */
export async function startWatchdog(orders: WatchdogOrders): Promise<Watchdog> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, WATCHDOG_COMMAND], {
    stdio: ["pipe", "ignore", "inherit"],
    // A session of its own: Ctrl-C and a terminal that hangs up end this process, and must not end that one.
    detached: true,
    cwd: "/", // it must not keep anybody from unmounting
  });
  child.stdin?.on("error", () => {}); // it has gone
  await once(child, "spawn");
  const gone = once(child, "exit");
  gone.catch(() => {});
  child.stdin?.write(`${JSON.stringify(orders)}\n`);
  return {
    async over() {
      child.stdin?.end(`${OVER}\n`);
      if (child.exitCode === null && child.signalCode === null) await gone;
    },
    leave: () => void child.stdin?.end(),
  };
}
