import { resolveSource } from "@blkmig/journal";
import { connectQmp, findLeftovers, listQemuDisks, type Qmp, type QmpAddress } from "@blkmig/qemu";

import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { refuseRecord } from "../status/refuse-record.ts";
import { readQemuRecords } from "./qemu-records.ts";
import { describeRecovered, recoverQemu } from "./recover-qemu.ts";

/** Which QEMU and which migration, and how it shall have ended. */
export interface ResolveQemuOptions {
  readonly monitor: QmpAddress;
  readonly migration: string;
  readonly state: "kept" | "moved";
  readonly stateDir: string | undefined;
}

/**
 * Ends an in-doubt migration of a QEMU's disks by hand: on record, durably, and then in QEMU, whose guest runs again if they were kept.
 * Gives the exit code.
 */
export async function resolveQemu(options: ResolveQemuOptions, { output, signal }: CommandWorld): Promise<number> {
  const { monitor, migration, state } = options;
  const qmp = await connectQmp(monitor, { signal });
  try {
    const isMarked = await assertNobodys(qmp, migration);
    const isRecorded = await recordVerdict(qmp, options);
    if (!isMarked && !isRecorded) {
      const why = `no disk here is in migration ${migration}; if its record is elsewhere, say --state-dir`;
      throw new CommandError("refused", `${qmp.url}: ${why}`);
    }
    for (const recovered of await recoverQemu(qmp, { records: [], migration, outcome: state })) {
      output.say(describeRecovered(qmp.url, recovered));
    }
    output.say(`${qmp.url}: migration ${migration} is ${state} now`);
    output.event("completed", { role: "source", path: qmp.url, migration, state });
    return EXIT.ok;
  } finally {
    qmp.close();
  }
}

/** Gives whether it is in doubt in QEMU itself. Whoever still runs it learns the outcome by itself. */
async function assertNobodys(qmp: Qmp, migration: string): Promise<boolean> {
  const leftover = (await findLeftovers(qmp)).find((one) => one.migration === migration);
  if (leftover?.owner === undefined) return leftover?.marks.includes("asked") ?? false;
  const why = `migration ${migration} is under way (process ${leftover.owner}), which may still learn the outcome by itself`;
  throw new CommandError("refused", `${qmp.url}: ${why}: stop it first`);
}

/** Gives whether a record of it was found. The verdict holds for all disks. */
async function recordVerdict(qmp: Qmp, { migration, state, stateDir }: ResolveQemuOptions): Promise<boolean> {
  const at = { url: qmp.url, ...(stateDir === undefined ? {} : { stateDir }) };
  const records = await readQemuRecords(await listQemuDisks(qmp), at);
  const sent = records.find(({ record }) => record.role === "source" && record.migration === migration);
  if (!sent) return false;
  // What was recorded before it could be noted in QEMU is noted now.
  if (sent.record.state !== state) await resolveSource(sent.place.path, { migration, state }).catch(refuseRecord);
  return true;
}
