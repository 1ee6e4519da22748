import { connectQmp, type Qmp } from "@blkmig/qemu";

import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { cleanQemu } from "./clean-qemu.ts";
import { describeQemu } from "./describe-qemu.ts";
import { lookAtQemu } from "./look-at-qemu.ts";
import type { StatusOfQemuOptions } from "./status-options.ts";

/** A monitor that is held by another program greets nobody: whoever only looks does not wait long for it. */
const LOOK_MS = 3_000;
/** Here each command counts: what timed out may have been carried out. */
const CLEAN_MS = 10_000;

/** Says what a QEMU has, and with `clean` removes what crashed runs have left in it. Gives the exit code. */
export async function statusOfQemu(options: StatusOfQemuOptions, { output, signal }: CommandWorld): Promise<number> {
  const { stateDir, clean } = options;
  const qmp = await connectToLook(options, signal);
  try {
    const seen = await lookAtQemu(qmp, stateDir);
    const { fields, machine, ours, advice } = describeQemu(seen, stateDir);
    for (const line of machine) output.say(line);
    output.event("qemu", fields);
    if (clean) await cleanQemu(qmp, { seen, stateDir, output });
    else for (const line of [...ours, ...advice]) output.say(line);
    return EXIT.ok;
  } finally {
    qmp.close();
  }
}

async function connectToLook({ monitor, clean }: StatusOfQemuOptions, signal: AbortSignal): Promise<Qmp> {
  try {
    return await connectQmp(monitor, { signal, timeoutMs: clean ? CLEAN_MS : LOOK_MS });
  } catch (error) {
    if (signal.aborted) throw new CommandError("cancelled", "cancelled: nothing was asked of QEMU", { cause: error });
    throw error;
  }
}
