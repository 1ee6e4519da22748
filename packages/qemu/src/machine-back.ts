import { endDestination } from "./machine-destination.ts";
import type { MachineParts } from "./machine-parts.ts";
import { type GuestHere, isUnderWay } from "./machine-state.ts";
import { messageOf } from "./message-of.ts";
import { askForGuest } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import { hasEnded } from "./ram-report.ts";

/** How long QEMU may take to end its migration and let the guest run. Milliseconds; between two tries. */
const BACK_MS = 30_000;
const RETRY_MS = 50;

/** Ends QEMU's migration, and sees that the guest runs here, if it ran before. Throws `QemuError`: `timeout`, `gone`; then it may be tried again. */
export async function takeMachineBack(parts: MachineParts): Promise<void> {
  const { source, live, watch, ram, warn } = parts;
  await ram.begun(); // or a cancel could come before what it cancels
  const { move } = watch.state;
  if (move.is === "new" || move.is === "ready" || move.is === "moved" || move.is === "back") return;
  // First, or for a moment both could run: it has everything.
  if (move.is === "handed") await endDestination(parts);
  if (isUnderWay(watch.state)) watch.enter({ is: "over", how: "was given up" });
  try {
    await untilItRuns(parts);
  } catch (cause) {
    throw withRemedy(source.url, cause);
  }
  watch.enter({ is: "back" });
  // A mark that stays is found later; the guest runs all the same.
  for (const mark of ["stopped", "machine"] as const) {
    await live.unmark(mark).catch((error: unknown) => warn(messageOf(error)));
  }
}

async function untilItRuns(parts: MachineParts): Promise<void> {
  const { source, clock } = parts;
  const deadline = clock.now() + BACK_MS;
  for (;;) {
    let refusal: unknown;
    try {
      if ((await stepBack(parts)) === "done") return;
    } catch (error) {
      refusal = error; // `cont` is refused while QEMU has not finalized its migration: then once more
    }
    source.ended.throwIfAborted();
    if (clock.now() >= deadline) {
      const why = refusal instanceof Error ? `: ${refusal.message}` : "";
      throw new QemuError("timeout", source.url, `the guest does not run again${why}`, { cause: refusal });
    }
    await clock.sleep(RETRY_MS);
  }
}

async function stepBack({ source, watch, ram }: MachineParts): Promise<"wait" | "done" | "asked"> {
  const { status } = await ram.refresh();
  const next = nextStepBack(status, await askForGuest(source), watch.state.guest);
  if (next === "done" || next === "wait") return next;
  await source.execute(next);
  return "asked";
}

/** Decides; touches nothing. */
export function nextStepBack(
  migration: string,
  guest: string,
  here: GuestHere,
): "migrate_cancel" | "wait" | "cont" | "done" {
  if (migration === "cancelling") return "wait";
  if (!hasEnded(migration)) return "migrate_cancel";
  // One that was not stopped for this move, or was resumed since, stands still for a reason of its own.
  return guest !== "running" && here.is === "stopped" ? "cont" : "done";
}

function withRemedy(url: string, cause: unknown): QemuError {
  const code = cause instanceof QemuError && cause.code === "gone" ? "gone" : "timeout";
  const why = messageOf(cause);
  const remedy = `when its monitor answers, say \`migrate_cancel\` and \`cont\` there, or run blkmig status --qmp ${url} --clean`;
  return new QemuError(code, url, `the guest may stand still (${why}): ${remedy}`, { cause });
}
