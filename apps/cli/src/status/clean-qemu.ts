import type { GuestAfterClean, Qmp } from "@blkmig/qemu";

import { CommandError, messageOf } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import type { Output } from "../output/output.ts";
import { describeRecovered, outcomeOf, type Recovered, recoverQemu } from "../qmp/recover-qemu.ts";
import { resolveLinesOf } from "../send/recorded-sources.ts";
import type { SeenQemu } from "./look-at-qemu.ts";
import { recordsOf } from "./records-of-qemu.ts";
import { formatCleanLine } from "./resolve-line.ts";

export interface CleanQemuOptions {
  /** As it was before. */
  readonly seen: SeenQemu;
  readonly stateDir: string | undefined;
  readonly output: Output;
}

/**
 * Removes what crashed runs have left in a QEMU, lets a guest run that they had stopped, and says so. Throws `CommandError` `refused`
 * while a migration is under way, and `guest-lost` where the guest may still be stopped; `InDoubt` for one that only its operator can end.
 */
export async function cleanQemu(qmp: Qmp, options: CleanQemuOptions): Promise<void> {
  const { seen, output } = options;
  assertNoneUnderWay(seen);
  const recovered = await recoverQemu(qmp, { records: recordsOf(seen) }).catch((error: unknown) => {
    throw explainStopped(error, options);
  });
  if (recovered.length === 0) output.say(`${seen.url}: nothing of blkmig's is left in it`);
  for (const one of recovered) tell(one, options);
  const doubt = findDoubt(recovered, options);
  if (doubt) throw doubt;
}

/** Before anything is touched: whoever is at work may have stopped the guest, and counts on that. */
function assertNoneUnderWay({ url, leftovers }: SeenQemu): void {
  for (const { migration, owner: pid } of leftovers) {
    if (pid !== undefined) throw toRefused(url, migration, pid);
  }
}

function toRefused(url: string, migration: string, pid: number): CommandError {
  const said = describeRecovered(url, { migration, how: "under-way", pid });
  return new CommandError("refused", `${said}: wait for its end, or end that process`);
}

function tell(recovered: Recovered, { seen: { url }, output }: CleanQemuOptions): void {
  const { migration } = recovered;
  if (recovered.how === "under-way") throw toRefused(url, migration, recovered.pid); // begun since it was looked
  if (recovered.how === "in-doubt") return; // that is how the command ends
  const guest: GuestAfterClean = recovered.how === "cleaned" ? recovered.guest : "left-stopped";
  output.say(describeRecovered(url, recovered));
  output.event("cleaned", { migration, guest });
}

/** By what was left in QEMU, or on record alone, where the QEMU that had the marks is no more. */
function findDoubt(recovered: readonly Recovered[], options: CleanQemuOptions): InDoubt | undefined {
  const { url, status } = options.seen;
  const left = recovered.find(({ how }) => how === "in-doubt");
  if (left) return toInDoubt(left.migration, describeRecovered(url, left), options);
  const known = new Set(recovered.map((one) => one.migration));
  const asked = recordsOf(options.seen).find((record) => record?.state === "asked" && !known.has(record.migration));
  if (!asked) return undefined;
  const { migration } = asked;
  const what = `migration ${migration} has asked for the commit, and its outcome is not on record; the guest is ${status}`;
  return toInDoubt(migration, `${url}: ${what}`, options);
}

function toInDoubt(migration: string, message: string, { seen: { url }, stateDir }: CleanQemuOptions): InDoubt {
  const commands = resolveLinesOf({ role: "qmp", path: url }, migration, stateDir);
  return new InDoubt(migration, commands, message);
}

/** Only of a guest whose disks are here: any other one must not run, however it is asked for. */
function explainStopped(error: unknown, { seen, stateDir }: CleanQemuOptions): unknown {
  const records = recordsOf(seen);
  const isOurs = seen.leftovers.some((leftover) => {
    const outcome = outcomeOf(leftover, records);
    return leftover.marks.includes("stopped") && (outcome === undefined || outcome === "kept");
  });
  if (!isOurs) return error;
  const again = formatCleanLine(seen.url, stateDir);
  const what = `${messageOf(error)}; the guest may still be stopped: say \`${again}\` again, or \`cont\` at its monitor`;
  return new CommandError("guest-lost", what, { cause: error });
}
