import type { CrashingFiles } from "./crashing-files.test-kit.ts";
import type { JournaledDisk, JournalWorld } from "./journaled-disk.ts";
import { openSourceJournalIn } from "./open-source-journal.ts";
import { openTargetJournalIn } from "./open-target-journal.ts";
import { readRecordIn } from "./read-record.ts";
import type { SourceJournal } from "./source-journal.ts";
import type { TargetJournal } from "./target-journal.ts";

export const SIZE = 1024 * 1024;

/** Disks by their names; their records are in folders of their own. */
export function disksNamed(...names: readonly string[]): readonly JournaledDisk[] {
  return names.map((name) => ({ name, size: SIZE, record: { path: pathOf(name), beside: true } }));
}

export function pathOf(name: string): string {
  return `/${name}/disk.blkmig`;
}

export function worldOf(files: CrashingFiles): JournalWorld {
  return { files, now: () => new Date(0) };
}

export async function targets(files: CrashingFiles, ...names: readonly string[]): Promise<TargetJournal> {
  return (await openTargetJournalIn(worldOf(files), disksNamed(...names))).journal;
}

export async function sources(files: CrashingFiles, ...names: readonly string[]): Promise<SourceJournal> {
  return (await openSourceJournalIn(worldOf(files), disksNamed(...names))).journal;
}

/** For each disk "migration state attempt" as a reader sees it, or "nothing". */
export async function seen(files: CrashingFiles, ...names: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    names.map(async (name) => {
      const record = await readRecordIn(files, pathOf(name));
      return record ? `${record.migration} ${record.state} ${record.attempt}` : "nothing";
    }),
  );
}
