import { readWhole } from "./durable-file.ts";
import { JournalError } from "./journal-error.ts";
import { type JournalFiles, machineFiles } from "./journal-files.ts";
import { decodeRecord } from "./record-text.ts";
import type { DiskRecord, SourceRecord, TargetRecord } from "./record.ts";

/**
 * What is known of a disk, by the path of its record; undefined if there is none. `state` and `attempt` are those of the record
 * that decides for all disks of the migration. Only reads. Throws `JournalError`: `damaged` (also where the deciding record is
 * missing or another's), `newer`, `io`.
 */
export async function readRecord(path: string): Promise<TargetRecord | SourceRecord | undefined> {
  return readRecordIn(machineFiles, path);
}

export async function readRecordIn(files: JournalFiles, path: string): Promise<DiskRecord | undefined> {
  const own = await readOwnRecord(files, path);
  return own && decided(files, path, own);
}

/** The record as it stands in its own file. */
export async function readOwnRecord(files: JournalFiles, path: string): Promise<DiskRecord | undefined> {
  const bytes = await readWhole(files, path);
  return bytes && decodeRecord(path, bytes);
}

/** A record with the state that was decided for it. */
export async function decided(files: JournalFiles, path: string, own: DiskRecord): Promise<DiskRecord> {
  if (own.decidedBy === undefined) return own;
  const deciding = await readOwnRecord(files, own.decidedBy);
  if (deciding && decides(deciding, own)) {
    return withDecisionOf(deciding, own);
  }
  // Whoever takes a deciding record for another migration settles first what it had decided (`settleOthers`), so neither is
  // left by a crash. What was decided is not known then, and must not be guessed.
  const trouble = deciding ? "is of another migration" : "is missing";
  const way = "put it back, or remove this one if nothing is in doubt";
  throw new JournalError("damaged", path, `the record that decides, ${own.decidedBy}, ${trouble}: ${way}`);
}

/** A record that says what another one has decided for it. */
export function withDecisionOf(deciding: DiskRecord, record: DiskRecord): DiskRecord {
  const { state, attempt } = deciding;
  const serve = deciding.role === "source" ? deciding.serve : undefined;
  return { ...record, state, attempt, ...(serve === undefined ? {} : { serve }) } as DiskRecord;
}

function decides(deciding: DiskRecord, own: DiskRecord): boolean {
  return deciding.role === own.role && deciding.migration === own.migration && deciding.decidedBy === undefined;
}
