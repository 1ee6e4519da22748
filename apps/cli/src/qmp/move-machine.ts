import { connectQmp, createMachineMove, type MachineMove, type Qmp, type QemuLiveDisks } from "@blkmig/qemu";

import { CommandError, messageOf } from "../command-error.ts";
import type { CommandWorld } from "../run-command.ts";
import type { MachineArgument } from "./machine-argument.ts";

/** The machine's own way there, beside its disks'. */
export interface MachineLeg {
  readonly move: MachineMove;
  /** The migration is one whose commit an earlier run had asked for: its machine is there already, and waits. */
  readonly isThere: boolean;
  /** After the commit: it runs there. Throws `CommandError` `guest-lost`, which says what is left to be done. */
  run(): Promise<void>;
  /** There was no commit: a machine that has come and waits must never run there. Warns if it could not be ended. */
  giveUp(): Promise<void>;
}

export interface MachineLegParts {
  readonly qmp: Qmp;
  readonly destination: Qmp;
  readonly live: QemuLiveDisks;
  readonly downtimeLimit: number;
  readonly isThere: boolean;
}

/** Throws `QemuError`, and then nothing has been begun. */
export async function prepareMachine(
  { uri }: MachineArgument,
  { qmp, destination, live, downtimeLimit, isThere }: MachineLegParts,
  { output }: CommandWorld,
): Promise<MachineLeg> {
  const warn = (message: string): void => output.warn(message);
  const move = createMachineMove({ source: qmp, destination, uri, live, downtimeLimit: () => downtimeLimit, warn });
  if (!isThere) await move.prepare();
  return {
    move,
    isThere,
    async giveUp() {
      if (!isThere) return; // `move` ends what it has begun
      try {
        await destination.execute("quit");
        warn(`${destination.url}: it had taken over a machine that goes on at its source, and was told to quit`);
      } catch (error) {
        warn(`end the QEMU at ${destination.url}: it has a machine that goes on at its source (${messageOf(error)})`);
      }
    },
    async run() {
      try {
        await (isThere ? runWaiting(destination) : move.resumeThere());
      } catch (cause) {
        const how = `its disks have moved, and the guest is stopped at both ends: say \`cont\` at ${destination.url}, and never here`;
        throw new CommandError("guest-lost", `the machine would not run there: ${messageOf(cause)}; ${how}`, { cause });
      }
    },
  };
}

/** Lets a machine run that has come and waits, and no other. Throws `QemuError`. */
export async function runWaiting(destination: Qmp): Promise<void> {
  const { status } = (await destination.execute("query-status")) as { readonly status: string };
  if (status === "running") return;
  if (status !== "paused") throw new Error(`it is '${status}' at ${destination.url}, and not 'paused'`);
  await destination.execute("cont");
}

/** The destination's monitor. Nothing is asked there. Throws `QemuError`. */
export async function connectDestination(
  machine: MachineArgument | undefined,
  signal: AbortSignal,
): Promise<Qmp | undefined> {
  return machine && connectQmp(machine.monitor, { signal });
}
