import { lookUntil } from "./look-until.ts";
import type { MachineParts } from "./machine-parts.ts";
import { messageOf } from "./message-of.ts";
import { askForGuest } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";

/** How long a destination may take from one state to the next. Milliseconds. */
const THERE_MS = 30_000;
/** A destination that stands still reads its monitor later. */
const QUIT_MS = 5000;

/** QEMU's words for a machine that is on its way in. */
const COMING = new Set(["inmigrate", "finish-migrate", "prelaunch"]);

/** Settles when the destination has the machine and does not run it. Throws `QemuError`. */
export async function untilItWaitsThere(parts: MachineParts): Promise<void> {
  const { destination } = parts;
  const guest = await untilGuest(parts, (status) => !COMING.has(status));
  if (guest === "paused") return;
  const what =
    guest === "running"
      ? "the destination runs the machine by itself, though it was told to wait, and nothing is committed"
      : `the destination has not taken the machine over: it is '${guest}'`;
  throw new QemuError("migration", destination.url, what);
}

/** Lets the machine run there. Throws `QemuError`. */
export async function runThere(parts: MachineParts): Promise<void> {
  const { destination } = parts;
  await destination.execute("cont");
  const guest = await untilGuest(parts, (status) => status === "running");
  if (guest === "running") return;
  throw new QemuError("migration", destination.url, `the machine has moved, and does not run there: it is '${guest}'`);
}

/** What it is at the end of that time, or as soon as it is so. */
async function untilGuest({ destination, clock }: MachineParts, isSo: (status: string) => boolean): Promise<string> {
  let status = "";
  await lookUntil(clock, THERE_MS, async () => {
    status = await askForGuest(destination);
    return isSo(status) || undefined;
  });
  return status;
}

/** A destination that has, or may have, a machine that goes on here must never run it. Says so where it may still live; does not throw. */
export async function endDestination({ destination, warn }: MachineParts): Promise<void> {
  try {
    await destination.execute("quit", {}, { timeoutMs: QUIT_MS });
    warn(`${destination.url}: it had taken over a machine that goes on at its source, and was told to quit`);
  } catch (error) {
    const why = messageOf(error);
    warn(`if the destination QEMU still lives, it has a machine that goes on at its source: end it (${why})`);
  }
}
