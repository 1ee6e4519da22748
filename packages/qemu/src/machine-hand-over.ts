import { endDestination, runThere, untilItWaitsThere } from "./machine-destination.ts";
import { failureOf } from "./machine-failure.ts";
import type { MachineParts } from "./machine-parts.ts";
import { messageOf } from "./message-of.ts";
import { askForGuest } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** How long QEMU may take to send the rest and hear that it has come, and to close here. Milliseconds; between two looks. */
const VERDICT_MS = 60_000;
const CLOSED_MS = 30_000;
const LOOK_MS = 20;

/** Lets go of the disks, lets QEMU switch over, and settles when the destination has everything. Throws `QemuError` `migration`. */
export async function handMachineOver(parts: MachineParts): Promise<void> {
  const { source, destination, live, watch } = parts;
  try {
    await assertHeld(parts); // before the disks are let go of, which cannot be taken back
    await assertWaiting(destination);
    if (watch.state.guest.is === "stopped") await live.mark("stopped"); // once it has completed QEMU does not resume it by itself
    await live.release();
    await assertHeld(parts);
  } catch (error) {
    throw asFailure(source.url, error);
  }
  watch.enter({ is: "handing" });
  try {
    await source.execute("migrate-continue", { state: "pre-switchover" });
    await untilVerdict(parts);
    await untilItWaitsThere(parts);
    await untilClosedHere(parts);
  } catch (error) {
    await endDestination(parts);
    const failure = asFailure(source.url, error);
    watch.enter({ is: "over", how: "has failed", cause: failure });
    throw failure;
  }
  watch.enter({ is: "handed" });
}

/** After the commit. Throws `QemuError`; then it may be tried again. */
export async function resumeMachineThere(parts: MachineParts): Promise<void> {
  const { source, watch } = parts;
  const { move, guest } = watch.state;
  if (move.is !== "handed" && move.is !== "moved") throw new Error("a machine that has not been handed over");
  if (guest.is === "runs") {
    throw new QemuError("changed", source.url, "somebody has resumed the guest here: it is not run at the destination");
  }
  watch.enter({ is: "moved" }); // from here on it is never resumed here, whatever comes of it
  if (guest.is === "stopped") await runThere(parts);
}

/** With the guest stopped by QEMU, at the one point where it waits for us. */
async function assertHeld({ source, watch, ram }: MachineParts): Promise<void> {
  const { why } = await ram.refresh();
  const guest = await askForGuest(source);
  if (watch.state.move.is !== "held") throw await failureOf(source, watch.state);
  // QEMU 10 says here that its destination has gone; it would fail all the same, but only when the disks have been let go of.
  if (why !== undefined) throw new QemuError("migration", source.url, `QEMU's migration cannot go on: ${why}`);
  // A guest that sleeps is stopped without a word, and nobody could tell it from one that was resumed.
  if (guest === "finish-migrate" && watch.state.guest.is !== "runs") return;
  throw new QemuError("migration", source.url, `the guest is not stopped for QEMU's migration: it is '${guest}'`);
}

async function untilVerdict({ source, watch, downtimeLimit }: MachineParts): Promise<void> {
  const ms = Math.max(VERDICT_MS, 4 * downtimeLimit());
  const isDecided = await watch.until(({ move }) => move.is !== "handing", ms);
  if (watch.state.move.is === "completed") return;
  if (isDecided) throw await failureOf(source, watch.state);
  throw new QemuError("migration", source.url, `QEMU's migration has not completed within ${ms / 1000} s`);
}

/** One that has died, or stands still, is best known before. */
async function assertWaiting(destination: Qmp): Promise<void> {
  const there = await askForGuest(destination);
  if (there === "inmigrate") return;
  throw new QemuError("migration", destination.url, `the destination waits no longer: it is '${there}'`);
}

/** QEMU 10 says `finish-migrate` for a moment after `completed`. */
async function untilClosedHere({ source, clock, watch }: MachineParts): Promise<void> {
  const deadline = clock.now() + CLOSED_MS;
  for (;;) {
    const guest = await askForGuest(source);
    if (watch.state.move.is !== "completed") throw await failureOf(source, watch.state);
    if (guest === "postmigrate") return;
    if (guest !== "finish-migrate" || clock.now() >= deadline) {
      throw new QemuError("migration", source.url, `QEMU's migration has completed, but the guest is '${guest}'`);
    }
    await clock.sleep(LOOK_MS);
  }
}

function asFailure(url: string, error: unknown): QemuError {
  if (error instanceof QemuError && error.code === "migration") return error;
  const why = messageOf(error);
  return new QemuError("migration", url, `the machine could not be handed over: ${why}`, { cause: error });
}
