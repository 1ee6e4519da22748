import { type ChosenQemuDisk, openLiveDisks, type Qmp, type QemuLiveDisks } from "@blkmig/qemu";
import { migrate, type MigrationResult, type SessionOptions } from "@blkmig/source";

import { CommandError, messageOf } from "../command-error.ts";
import { loadCrc32 } from "../load-crc32.ts";
import type { CommandWorld } from "../run-command.ts";
import { migrationOptions } from "../send/migration-options.ts";
import type { RecordedSource } from "../send/recorded-sources.ts";
import type { SessionRecord } from "../send/session-record.ts";
import type { Memory } from "../send/tell-events.ts";
import { howToResume } from "./explain-lost.ts";
import { DONE, leftBy, letGo, LOST, MOVED } from "./let-go.ts";
import { type MachineLeg, prepareMachine } from "./move-machine.ts";
import { withMarks } from "./qemu-journal.ts";
import type { SendQemuOptions } from "./send-qemu-options.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

/** For how long the watchdog tries, milliseconds. */
const PATIENCE = 10 * 60 * 1000;

export interface QemuMove {
  readonly qmp: Qmp;
  /** The monitor of the QEMU to which the machine goes, if it does. */
  readonly destination: Qmp | undefined;
  readonly chosen: readonly ChosenQemuDisk[];
  readonly recorded: readonly RecordedSource[];
  readonly record: SessionRecord;
  readonly connect: SessionOptions["connect"];
}

export interface QemuResult extends MigrationResult {
  /** Of a machine that went, too. */
  readonly memory: Memory | undefined;
}

/**
 * Who holds what, and who undoes it. QEMU: exports, bitmaps, its NBD server, a stopped guest, and marks that say so; `live` undoes
 * these. The record, beside the disks: whether commit was asked for, and what became of it; nobody undoes that. The watchdog, a
 * process of its own: the duty to undo what is in QEMU if this process is killed; it is let go of when nothing is left, or only what
 * is meant to be.
 */
export async function moveQemuDisks(
  move: QemuMove,
  options: SendQemuOptions,
  world: CommandWorld,
): Promise<QemuResult> {
  const warn = (message: string): void => world.output.warn(message);
  const watchdog = await watchOver(move, options);
  const live = await openThem(move, options, world, watchdog);
  let left = DONE;
  let leg: MachineLeg | undefined;
  try {
    leg = await legOf(move, live, options, world);
    const result = await migrateThem(move, live, leg, options, world).catch(async (error: unknown) => {
      left = leftBy(error, move.record);
      if (left === DONE) await leg?.giveUp();
      throw error;
    });
    left = MOVED;
    if (options.after === "cont") {
      left = LOST; // until it has gone on
      await goOn(live, move.qmp.url);
      left = DONE;
    }
    await leg?.run();
    const { downtime = result.statistics.downtime } = leg?.move ?? {};
    return { ...result, statistics: { ...result.statistics, downtime }, memory: memoryOf(leg) };
  } finally {
    await leg?.move.close().catch((error: unknown) => warn(messageOf(error)));
    await letGo(live, watchdog, left, warn);
  }
}

async function watchOver({ record, recorded }: QemuMove, { monitor, machine }: SendQemuOptions): Promise<Watchdog> {
  return startWatchdog({
    monitor,
    migration: record.migration,
    pid: process.pid,
    records: recorded.map(({ place }) => place.path),
    patience: PATIENCE,
    ...(machine && { destination: machine.monitor }),
  });
}

async function openThem(
  { qmp, chosen, record }: QemuMove,
  { session, nbdSocket }: SendQemuOptions,
  { output, signal }: CommandWorld,
  watchdog: Watchdog,
): Promise<QemuLiveDisks> {
  try {
    return await openLiveDisks({
      qmp,
      disks: chosen,
      migration: record.migration,
      granularity: session.granularity,
      socket: nbdSocket,
      signal,
      warn: (message) => output.warn(message),
    });
  } catch (error) {
    if (qmp.ended.aborted) watchdog.leave(); // nothing could be undone
    else await watchdog.over();
    throw signal.aborted ? new CommandError("cancelled", "cancelled: nothing was sent", { cause: error }) : error;
  }
}

async function legOf(
  { qmp, destination, record }: QemuMove,
  live: QemuLiveDisks,
  { machine, downtimeLimit }: SendQemuOptions,
  world: CommandWorld,
): Promise<MachineLeg | undefined> {
  if (!machine || !destination) return undefined;
  const isThere = record.resume?.asked !== undefined;
  return prepareMachine(machine, { qmp, destination, live, downtimeLimit, isThere }, world);
}

async function migrateThem(
  { record, connect }: QemuMove,
  live: QemuLiveDisks,
  leg: MachineLeg | undefined,
  options: SendQemuOptions,
  world: CommandWorld,
): Promise<MigrationResult> {
  const { session, to } = options;
  const { verify, checksums, clone, granularity, reconnectFor } = session;
  const { migration, resume } = record;
  const machine = leg?.isThere ? undefined : leg?.move;
  const confirmUnchanged = async (): Promise<void> => {
    await live.confirm();
    await machine?.handOver();
  };
  return migrate({
    ...migrationOptions(options, { disks: live.disks, confirmUnchanged }, world, () => memoryOf(leg)),
    tracker: live.tracker,
    guest: machine?.guest ?? live.guest,
    // A machine that was handed over is not taken back for a pause that is too long.
    ...(machine && { convergence: machine.converges, overrun: "finish" }),
    session: {
      connect,
      migration,
      journal: withMarks(record.journal, live, (message) => world.output.warn(message)),
      verify,
      checksums,
      crc32: await loadCrc32(),
      clone,
      granularity,
      reconnectFor: to.kind === "stdio" ? 0 : reconnectFor,
      handOver: leg !== undefined,
      ...(resume && { resume }),
    },
  });
}

function memoryOf(leg: MachineLeg | undefined): Memory | undefined {
  const figures = leg?.move.figures;
  return figures && { transferred: figures.transferred, remaining: figures.remaining, total: figures.total };
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
