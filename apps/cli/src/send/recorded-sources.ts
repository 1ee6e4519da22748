import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";

import { placeOfRecord, readRecord, type RecordPlace, type SourceRecord, type TargetRecord } from "@blkmig/journal";

import type { Dangers } from "../arguments/parse-dangers.ts";
import type { StateDirOption } from "../arguments/state-dir.ts";
import { CommandError, messageOf } from "../command-error.ts";
import { formatResolveLine } from "../status/resolve-line.ts";
import { unfinishedMigration } from "../verify/unfinished-target.ts";
import type { Sources } from "./open-sources.ts";

/** A disk to send, and what earlier migrations have left of it. */
export interface RecordedSource {
  readonly name: string;
  /** Its size in bytes. */
  readonly device: { readonly path: string; readonly size: number };
  readonly place: RecordPlace;
  readonly record: SourceRecord | TargetRecord | undefined;
  /** The URL of the monitor of the QEMU that has it, if one has. */
  readonly monitor?: string;
}

/** Only reads. Throws `JournalError` for a record whose meaning is not known. */
export async function readSourceRecords(
  { disks }: Sources,
  stateDir: StateDirOption,
): Promise<readonly RecordedSource[]> {
  const recorded: RecordedSource[] = [];
  for (const { name, device } of disks) {
    const place = await placeOfRecord(device, stateDir);
    recorded.push({ name, device, place, record: await readRecord(place.path) });
  }
  return recorded;
}

export interface SendableOptions extends StateDirOption {
  readonly dangers: Dangers;
  /** A migration in doubt may be taken up: the receiver is asked. */
  readonly mayAsk: boolean;
}

/** A disk has one owner: it is not sent from where it no longer is, may not be, or has not yet come. Throws `CommandError` `refused`. */
export async function assertOwnedHere(disks: readonly RecordedSource[], options: SendableOptions): Promise<void> {
  for (const disk of disks) {
    const why = await whyNotOwned(disk, options);
    if (why !== undefined) throw new CommandError("refused", `disk '${disk.name}': ${disk.device.path} ${why}`);
  }
}

async function whyNotOwned(
  disk: RecordedSource,
  { dangers, mayAsk, stateDir }: SendableOptions,
): Promise<string | undefined> {
  const { place, record } = disk;
  if (record?.role === "target") {
    if (dangers.incomplete || (await unfinishedMigration(place, record)) === undefined) return undefined;
    return `is the target of migration ${record.migration}, which is not finished: finish it, or --force incomplete sends what is there`;
  }
  if (record?.state === "moved" && !dangers.moved)
    return `${whereMoved(record)}: --force moved sends what is left here`;
  return mayAsk ? undefined : whyInDoubt(disk, "Say --resume to ask the receiver", stateDir);
}

/** What became of a disk that has moved. */
export function whereMoved({ to, migration }: SourceRecord): string {
  return `has moved${to === undefined ? "" : ` to ${to}`} (migration ${migration}), and its owner is there now`;
}

/** Where a verdict on a disk is given: a QEMU's is locked, so it is given at the monitor, for all that the QEMU has. */
interface VerdictPlace {
  readonly role: "source" | "qmp";
  readonly path: string;
}

export function verdictPlaceOf(disk: { readonly path: string; readonly monitor?: string | undefined }): VerdictPlace {
  return disk.monitor === undefined ? { role: "source", path: disk.path } : { role: "qmp", path: disk.monitor };
}

/** The commands, as typed in a shell, of which one would end a migration by hand. */
export function resolveLinesOf(
  place: VerdictPlace,
  migration: string,
  stateDir: string | undefined,
): readonly [keep: string, gone: string] {
  const line = (verdict: "keep" | "gone"): string => formatResolveLine({ ...place, verdict, migration, stateDir });
  return [line("keep"), line("gone")];
}

/** Undefined for a disk of which no commit is in doubt. `ask` says how the receiver would be asked. */
export function whyInDoubt(disk: RecordedSource, ask: string, stateDir: string | undefined): string | undefined {
  const { record, device, monitor } = disk;
  if (record?.role !== "source" || record.state !== "asked") return undefined;
  const { migration } = record;
  const [keep, gone] = resolveLinesOf(verdictPlaceOf({ path: device.path, monitor }), migration, stateDir);
  return `is in doubt: it is not known whether migration ${migration} was committed. ${ask}, or end it by hand: \`${keep}\` or \`${gone}\``;
}

/** Before anything is dialled: what could not be recorded in the end is not begun. Throws `CommandError` `refused`. */
export async function assertRecordable(disks: readonly RecordedSource[]): Promise<void> {
  for (const { name, place } of disks) {
    try {
      await assertWritable(dirname(place.path));
    } catch (cause) {
      const way = place.beside ? "say --state-dir FOLDER to have it elsewhere" : "say another --state-dir";
      const message = `disk '${name}': its record ${place.path} cannot be written: ${messageOf(cause)}; ${way}`;
      throw new CommandError("refused", message, { cause });
    }
  }
}

/** A folder that is not there is made later, in the nearest one that is. */
async function assertWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing || dirname(folder) === folder) throw error;
    await assertWritable(dirname(folder));
  }
}
