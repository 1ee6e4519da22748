import type { Clock } from "@blkmig/device";

import type { CleanOptions, GuestAfterClean } from "./leftovers-contract.ts";
import type { Mark } from "./live-contract.ts";
import { lookUntil } from "./look-until.ts";
import { askStatus, type RunStatus } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";
import { askForRam, hasEnded } from "./ram-report.ts";

const CANCEL_MS = 30_000;
const RESUME_MS = 30_000;

/**
 * What becomes of the guest. `leave`: somebody else goes on with it, or it is in doubt whose its disks are. `keep-stopped`: they have
 * moved. `give-back`: they are here.
 */
export function fateOf(
  marks: readonly Mark[],
  { outcome, takeOver }: CleanOptions,
): "leave" | "keep-stopped" | "give-back" {
  if (takeOver) return "leave";
  // The mark was set by whoever had the sink's answer: nothing that is said later overrules it.
  if (marks.includes("moved") || outcome === "moved") return "keep-stopped";
  if (marks.includes("asked") && outcome === undefined) return "leave";
  return "give-back";
}

/** Looks how the guest is, and changes nothing. */
export async function lookAtGuest(qmp: Qmp, marks: readonly Mark[]): Promise<GuestAfterClean> {
  const { running } = await askStatus(qmp);
  if (running) return "running";
  return marks.length > 0 ? "left-stopped" : "stopped-by-others";
}

/** Lets the guest run here again, if we are why it does not. Throws `QemuError`. */
export async function giveBack(qmp: Qmp, marks: readonly Mark[], clock: Clock): Promise<GuestAfterClean> {
  const migrated = marks.includes("machine") ? await endMigration(qmp, clock) : undefined;
  const step = await lookUntil(clock, RESUME_MS, async () => {
    const next = stepOf(await askStatus(qmp), marks, migrated);
    return next === "wait" ? undefined : next;
  });
  if (step === undefined) {
    const what = `QEMU does not end its migration for ${RESUME_MS / 1000} s: the guest cannot be resumed`;
    throw new QemuError("migration", qmp.url, what);
  }
  if (step !== "cont") return step;
  await qmp.execute("cont");
  // It may have stopped for a reason of its own by now.
  return (await askStatus(qmp)).running ? "running" : "stopped-by-others";
}

/** `migrated`: how a migration of ours ended, if we had begun one. */
function stepOf(
  { running, status }: RunStatus,
  marks: readonly Mark[],
  migrated: string | undefined,
): "wait" | "cont" | GuestAfterClean {
  if (running) return "running";
  const isStopped = marks.includes("stopped");
  // QEMU refuses `cont` then, and soon resumes the guest itself unless its migration has completed.
  if (status === "finish-migrate" && (isStopped || migrated !== undefined)) return "wait";
  if (status === "paused" && isStopped) return "cont";
  // Where QEMU had nothing to resume after a failure, 7.2 says so too. And where no migration was ours, somebody else has moved the guest.
  if (status === "postmigrate" && migrated !== undefined && isStopped) return "cont";
  // Who has shut down, failed, or was never begun was not stopped by us.
  return "stopped-by-others";
}

/**
 * Settles when nothing more is sent, and nothing can stop the guest. One that has completed stays so: the guest there waits for a `cont`
 * that nobody gives any more.
 */
async function endMigration(qmp: Qmp, clock: Clock): Promise<string> {
  const { status: before } = await askForRam(qmp);
  if (hasEnded(before)) return before;
  await qmp.execute("migrate_cancel");
  const after = await lookUntil(clock, CANCEL_MS, async () => {
    const { status: now } = await askForRam(qmp);
    return hasEnded(now) ? now : undefined;
  });
  if (after !== undefined) return after;
  throw new QemuError("migration", qmp.url, `migrate_cancel: not over after ${CANCEL_MS / 1000} s`);
}
