import { type ChosenQemuDisk, chooseQemuDisks, connectQmp, listQemuDisks, type Qmp } from "@blkmig/qemu";
import { formatWireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { assertOwnedHere, assertRecordable, type RecordedSource } from "../send/recorded-sources.ts";
import { connectBy, createSendWires } from "../send/send-wires.ts";
import { openSessionRecord } from "../send/session-record.ts";
import { clearQemu } from "./clear-qemu.ts";
import { explainLost } from "./explain-lost.ts";
import { connectDestination } from "./move-machine.ts";
import { moveQemuDisks, type QemuMove, type QemuResult } from "./move-qemu-disks.ts";
import { readChosenRecords, readQemuRecords } from "./qemu-records.ts";
import type { SendQemuOptions } from "./send-qemu-options.ts";
import { tellEnd } from "./tell-end.ts";

/** Moves disks of a running QEMU; gives the exit code, or throws what ended it. */
export async function sendQemu(options: SendQemuOptions, world: CommandWorld): Promise<number> {
  const { output, signal } = world;
  const qmp = await connectQmp(options.monitor, { signal }).catch((error: unknown) => {
    throw signal.aborted
      ? new CommandError("cancelled", "cancelled: nothing was asked of QEMU", { cause: error })
      : error;
  });
  try {
    const destination = await connectDestination(options.machine, signal);
    try {
      const result = await sendChosen(
        { qmp, destination, ...(await chooseDisks(qmp, options, world)) },
        options,
        world,
      );
      tellEnd(result, options, output);
      return EXIT.ok;
    } finally {
      destination?.close();
    }
  } finally {
    qmp.close();
  }
}

interface ChosenDisks {
  /** The migration in doubt that is in QEMU, and is gone on with. */
  readonly takenUp: string | undefined;
  readonly chosen: readonly ChosenQemuDisk[];
  readonly recorded: readonly RecordedSource[];
}

/** What is moved, once it is clear that it may be, and nothing of an earlier run is in its way. */
async function chooseDisks(qmp: Qmp, options: SendQemuOptions, { output }: CommandWorld): Promise<ChosenDisks> {
  const { stateDir, dangers, session, wanted } = options;
  const at = { url: qmp.url, ...(stateDir === undefined ? {} : { stateDir }) };
  const warn = (message: string): void => output.warn(message);
  const disks = await listQemuDisks(qmp);
  const records = (await readQemuRecords(disks, at)).map(({ record }) => record);
  const takenUp = await clearQemu(qmp, { records, dangers, resume: session.resume, ...at, warn });
  // Again: a block job, or an NBD server, of the run whose leftovers were cleared is no longer in the way.
  const free = await listQemuDisks(qmp);
  const chosen = chooseQemuDisks(qmp.url, free, wanted);
  if (!wanted) {
    for (const { ids, unfit } of free) if (unfit) warn(`disk '${ids[0]}' is left out: ${unfit.why}`);
  }
  const recorded = await readChosenRecords(chosen, at, warn);
  await assertOwnedHere(recorded, { ...at, dangers, mayAsk: session.resume });
  await assertRecordable(recorded);
  return { takenUp, chosen, recorded };
}

async function sendChosen(
  parts: ChosenDisks & Pick<QemuMove, "qmp" | "destination">,
  options: SendQemuOptions,
  world: CommandWorld,
): Promise<QemuResult> {
  const { chosen, recorded, qmp, takenUp } = parts;
  const { to, session, stateDir, remoteOf } = options;
  const warn = (message: string): void => world.output.warn(message);
  const record = await openSessionRecord(recorded, {
    resume: session.resume,
    stateDir,
    to: formatWireUrl(to),
    isToPage: (options.allowOrigin?.length ?? 0) > 0,
    warn,
  });
  if (takenUp !== undefined && takenUp !== record.migration) {
    const why = `it is not known whether migration ${takenUp} was committed: say --resume with the disks of that one`;
    throw new CommandError("refused", `${qmp.url}: ${why}`);
  }
  const remote = remoteOf(chosen.map(({ name }) => name));
  const wires = await createSendWires({ ...options, remote, resume: session.resume }, world);
  try {
    // First: of a receiver that is not there QEMU need not hear.
    const connect = await connectBy(wires, world.signal, to.kind === "stdio" ? 0 : session.reconnectFor);
    return await moveQemuDisks({ ...parts, record, connect }, options, world);
  } catch (error) {
    throw explainLost(record.judge(error), qmp.url);
  } finally {
    await wires.close();
  }
}
