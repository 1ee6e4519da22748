import { makeDurable, removeDurably, writeDurably } from "./durable-file.ts";
import type { JournalFiles } from "./journal-files.ts";
import { decided, readOwnRecord, withDecisionOf } from "./read-record.ts";
import { encodeRecord } from "./record-text.ts";
import type { DiskRecord } from "./record.ts";

/** How a record stands to the others of its migration. */
type Link = Pick<DiskRecord, "decidedBy" | "decides">;

/** The records of some disks, as they stand in their files. Indexes are those of the disks. */
export interface RecordGroup {
  readonly paths: readonly string[];
  readonly own: readonly (DiskRecord | undefined)[];
  /** Each with the state that was decided for it. */
  decided(): Promise<readonly (DiskRecord | undefined)[]>;
  /** Which one decides for all of them, if one migration has them all. */
  deciding(): number | undefined;
  /** A new migration's record for each disk; the first decides. */
  putAll(recordOf: (index: number, link: Link) => DiskRecord): Promise<void>;
  put(index: number, record: DiskRecord): Promise<void>;
  erase(index: number): Promise<void>;
  /** Tells every record that one of these decides for what it has decided: before these are overwritten. */
  settleOthers(): Promise<void>;
}

export async function openRecordGroup(files: JournalFiles, paths: readonly string[]): Promise<RecordGroup> {
  if (new Set(paths).size < paths.length) throw new RangeError("two disks would have one record: they look the same");
  const own = await Promise.all(paths.map((path) => readBelieved(files, path)));

  const put = async (index: number, record: DiskRecord): Promise<void> => {
    await writeDurably(files, paths[index]!, encodeRecord(record));
    own[index] = record;
  };

  return {
    paths,
    own,
    decided: async () => Promise.all(own.map(async (record, index) => record && decided(files, paths[index]!, record))),
    deciding: () => decidingAmong(own, paths),
    async putAll(recordOf) {
      // The deciding record first: one that points is then never without its decision, nor under an older one. No byte of a disk
      // is written until all records are here, so a crash in between leaves disks as they were, and at worst too many marked.
      for (const index of paths.keys()) await put(index, recordOf(index, linkOf(index, paths)));
    },
    put,
    async erase(index) {
      await removeDurably(files, paths[index]!);
      own[index] = undefined;
    },
    async settleOthers() {
      for (const [index, record] of own.entries()) if (record) await settleDecidedBy(files, paths[index]!, record);
      for (const [index, path] of paths.entries()) own[index] = await readOwnRecord(files, path);
    },
  };
}

function linkOf(index: number, [deciding, ...others]: readonly string[]): Link {
  if (index > 0) return { decidedBy: deciding! };
  return others.length > 0 ? { decides: others } : {};
}

/** What it says will be acted upon: a crash of the machine must not take it back. */
async function readBelieved(files: JournalFiles, path: string): Promise<DiskRecord | undefined> {
  const record = await readOwnRecord(files, path);
  if (record) await makeDurable(files, path);
  return record;
}

async function settleDecidedBy(files: JournalFiles, path: string, deciding: DiskRecord): Promise<void> {
  for (const other of deciding.decides ?? []) {
    const record = await readOwnRecord(files, other);
    if (record?.decidedBy !== path || record.migration !== deciding.migration) continue;
    const { decidedBy: _, ...settled } = record;
    await writeDurably(files, other, encodeRecord(withDecisionOf(deciding, settled)));
  }
}

function decidingAmong(own: readonly (DiskRecord | undefined)[], paths: readonly string[]): number | undefined {
  const index = own.findIndex((record) => record && record.decidedBy === undefined);
  const deciding = own[index];
  if (!deciding) return undefined;
  const others = own.filter((_, other) => other !== index);
  const pointsToIt = (record: DiskRecord | undefined): boolean =>
    record?.decidedBy === paths[index] && record?.migration === deciding.migration && record.role === deciding.role;
  return others.every(pointsToIt) ? index : undefined;
}
