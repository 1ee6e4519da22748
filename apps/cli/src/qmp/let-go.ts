import type { Mark, QemuLiveDisks } from "@blkmig/qemu";
import { MigrationError } from "@blkmig/source";

import { messageOf } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import type { SessionRecord } from "../send/session-record.ts";
import type { Watchdog } from "./watchdog.ts";

/** What is to stay in QEMU, and whether that is all there is to do about it. */
interface Left {
  readonly marks: readonly Mark[];
  readonly isOver: boolean;
}

/** Nothing: the guest runs here, or was not stopped by us. */
export const DONE: Left = { marks: [], isOver: true };
/** The guest stays stopped, and nobody is to resume it. */
export const MOVED: Left = { marks: ["moved"], isOver: true };
/** Likewise, until it is known what became of the commit. */
const IN_DOUBT: Left = { marks: ["stopped", "asked", "machine"], isOver: true };
/** The guest could not be resumed, and whoever comes next is to. */
export const LOST: Left = { marks: ["stopped", "machine"], isOver: false };

/** What a migration that failed leaves behind. */
export function leftBy(error: unknown, record: SessionRecord): Left {
  if (record.judge(error) instanceof InDoubt) return IN_DOUBT;
  return error instanceof MigrationError && error.guest === "lost" ? LOST : DONE;
}

/** Removes from QEMU all but the marks that are to stay; where that fails, or more is left to be done, the watchdog is left alone with it. */
export async function letGo(
  live: QemuLiveDisks,
  watchdog: Watchdog,
  { marks, isOver }: Left,
  warn: (message: string) => void,
): Promise<void> {
  try {
    await live.close(marks);
  } catch (error) {
    warn(`something is left in QEMU, and a watchdog goes on to remove it: ${messageOf(error)}`);
    return watchdog.leave();
  }
  if (isOver) await watchdog.over();
  else watchdog.leave();
}
