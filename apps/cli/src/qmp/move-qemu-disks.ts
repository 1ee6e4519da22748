import { type ChosenQemuDisk, type Mark, openLiveDisks, type Qmp, type QemuLiveDisks } from "@blkmig/qemu";
import { migrate, MigrationError, type MigrationResult, type SessionOptions } from "@blkmig/source";

import { CommandError, messageOf } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import type { CommandWorld } from "../run-command.ts";
import { migrationOptions } from "../send/migration-options.ts";
import type { RecordedSource } from "../send/recorded-sources.ts";
import type { SessionRecord } from "../send/session-record.ts";
import { howToResume } from "./explain-lost.ts";
import { withMarks } from "./qemu-journal.ts";
import type { SendQemuOptions } from "./send-qemu-options.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

/** Milliseconds. */
const WATCHDOG_PATIENCE = 10 * 60 * 1000;

export interface QemuMove {
  readonly qmp: Qmp;
  readonly chosen: readonly ChosenQemuDisk[];
  readonly recorded: readonly RecordedSource[];
  readonly record: SessionRecord;
  readonly connect: SessionOptions["connect"];
}

/**
 * Who holds what, and who undoes it. QEMU: exports, bitmaps, its NBD server, the stopped guest, and marks that say so; `live` undoes
 * these. The record, beside the disks: whether commit was asked for, and what became of it; nobody undoes that. The watchdog, a
 * process of its own: the duty to undo what is in QEMU if this process is killed; it is let go of when nothing is left, or only what
 * is meant to be.
 */
export async function moveQemuDisks(
  move: QemuMove,
  options: SendQemuOptions,
  world: CommandWorld,
): Promise<MigrationResult> {
  const { qmp, chosen, record, recorded } = move;
  const { migration } = record;
  const warn = (message: string): void => world.output.warn(message);
  const records = recorded.map(({ place }) => place.path);
  const monitor = options.monitor;
  const watchdog = await startWatchdog({ monitor, migration, pid: process.pid, records, patience: WATCHDOG_PATIENCE });
  const live = await openLiveDisks({
    qmp,
    disks: chosen,
    migration,
    granularity: options.session.granularity,
    socket: options.nbdSocket,
    signal: world.signal,
    warn,
  }).catch(async (error: unknown) => {
    await watchdog.over(); // all or nothing
    throw world.signal.aborted ? new CommandError("cancelled", "cancelled: nothing was sent", { cause: error }) : error;
  });
  let left: Left = DONE;
  try {
    const result = await migrate({
      ...migrationOptions(options, { disks: live.disks, confirmUnchanged: () => live.confirm() }, world),
      tracker: live.tracker,
      guest: live.guest,
      session: sessionOf(move, live, options, warn),
    });
    left = options.after === "hold" ? MOVED : DONE;
    if (options.after === "cont") await goOn(live, qmp.url);
    return result;
  } catch (error) {
    left = leftBy(error, record);
    throw error;
  } finally {
    await letGo(live, watchdog, left, warn);
  }
}

function sessionOf(
  { record, connect }: QemuMove,
  live: QemuLiveDisks,
  { session: { verify, clone, granularity, reconnectFor }, to }: SendQemuOptions,
  warn: (message: string) => void,
): SessionOptions {
  const { migration, resume } = record;
  return {
    connect,
    migration,
    journal: withMarks(record.journal, live, warn),
    verify,
    clone,
    granularity,
    reconnectFor: to.kind === "stdio" ? 0 : reconnectFor,
    ...(resume && { resume }),
  };
}

/** What is to stay in QEMU, and whether anything is left to be done about it. */
interface Left {
  readonly marks: readonly Mark[];
  readonly isOver: boolean;
}

const DONE: Left = { marks: [], isOver: true };
const MOVED: Left = { marks: ["moved"], isOver: true };
const IN_DOUBT: Left = { marks: ["stopped", "asked", "machine"], isOver: true };
const LOST: Left = { marks: ["stopped", "machine"], isOver: false };

function leftBy(error: unknown, record: SessionRecord): Left {
  if (record.judge(error) instanceof InDoubt) return IN_DOUBT;
  const isLost = error instanceof MigrationError ? error.guest === "lost" : error instanceof CommandError;
  return isLost ? LOST : DONE;
}

/** The copy is committed, and the guest goes on with what it has. */
async function goOn(live: QemuLiveDisks, url: string): Promise<void> {
  try {
    await live.guest.resume();
  } catch (cause) {
    const message = `the copy is committed, and the guest would not go on: ${messageOf(cause)}; ${howToResume(url)}`;
    throw new CommandError("guest-lost", message, { cause });
  }
}

async function letGo(
  live: QemuLiveDisks,
  watchdog: Watchdog,
  { marks, isOver }: Left,
  warn: (message: string) => void,
): Promise<void> {
  try {
    await live.close(marks);
  } catch (error) {
    warn(`something may be left in QEMU, and a watchdog will see to that: ${messageOf(error)}`);
    return watchdog.leave();
  }
  if (isOver) await watchdog.over();
  else watchdog.leave();
}
