import { writeDurably } from "./durable-file.ts";
import { JournalError } from "./journal-error.ts";
import { machineFiles, type JournalFiles } from "./journal-files.ts";
import { decided, readOwnRecord } from "./read-record.ts";
import { encodeRecord } from "./record-text.ts";
import type { DiskRecord, SourceRecord, TargetRecord } from "./record.ts";
import { withheldBlockIn } from "./withheld-block.ts";

/** What somebody who has looked says became of a migration at its target: the disks are this side's, or are incomplete again. */
export interface TargetVerdict {
  /** Which migration is meant: no other is touched. */
  readonly migration: string;
  readonly state: "committed" | "aborted";
  /** Writes a withheld first block to the disk and flushes it, before the record says committed. Borrows until it settles. */
  readonly release: (firstBlock: Uint8Array) => Promise<void>;
}

/**
 * Ends an in-doubt migration at its target by hand, for all its disks. A disk of a committed migration whose first block is still
 * withheld gets it; say so once for each disk. The caller holds the disk's lock. Throws `JournalError`: `not-in-doubt`,
 * `other-migration`, and what reading and writing records throws.
 */
export async function resolveTarget(recordPath: string, verdict: TargetVerdict): Promise<void> {
  const { migration, state, release } = verdict;
  const record = await recordInDoubt(machineFiles, recordPath, migration, "target");
  const withheld = withheldBlockIn(machineFiles, recordPath);
  const firstBlock = state === "committed" ? await withheld.load() : undefined;
  const isLate = record.state === "committed" && firstBlock !== undefined;
  if (record.state !== "sealed" && !isLate) throw notInDoubt(recordPath, record);
  // Before the record says so: a crash in between leaves a disk that is in doubt, not one that lacks its first block.
  if (firstBlock) await release(firstBlock);
  if (!isLate) await decideByHand(machineFiles, recordPath, state);
  if (firstBlock) await withheld.remove();
}

/** What somebody who has looked says became of a migration at its source: the disks are still here, or have moved. */
export interface SourceVerdict {
  readonly migration: string;
  readonly state: "kept" | "moved";
}

/** Ends an in-doubt migration at its source by hand, for all its disks. As `resolveTarget`. */
export async function resolveSource(recordPath: string, { migration, state }: SourceVerdict): Promise<void> {
  const record = await recordInDoubt(machineFiles, recordPath, migration, "source");
  if (record.state !== "asked") throw notInDoubt(recordPath, record);
  await decideByHand(machineFiles, recordPath, state);
}

async function recordInDoubt(
  files: JournalFiles,
  path: string,
  migration: string,
  role: DiskRecord["role"],
): Promise<DiskRecord> {
  const own = await readOwnRecord(files, path);
  if (!own) throw new JournalError("not-in-doubt", path, "there is no such record: the disk is in no migration");
  if (own.role !== role) throw new JournalError("not-in-doubt", path, `the disk is a ${own.role}, not a ${role}`);
  if (own.migration === migration) return decided(files, path, own);
  throw new JournalError("other-migration", path, `the disk is in migration '${own.migration}', not '${migration}'`);
}

function notInDoubt(path: string, { migration, state }: DiskRecord): JournalError {
  return new JournalError("not-in-doubt", path, `migration '${migration}' is ${state}: nothing is in doubt`);
}

async function decideByHand(
  files: JournalFiles,
  path: string,
  state: TargetVerdict["state"] | SourceVerdict["state"],
): Promise<void> {
  const own = await readOwnRecord(files, path);
  const decidingPath = own?.decidedBy ?? path;
  const deciding = await readOwnRecord(files, decidingPath);
  const record = { ...deciding, state, at: new Date().toISOString() } as TargetRecord | SourceRecord;
  await writeDurably(files, decidingPath, encodeRecord(record));
}
