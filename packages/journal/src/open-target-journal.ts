import { type FoundTarget, findTarget } from "./found-target.ts";
import { joinRuns } from "./join-runs.ts";
import { machineFiles } from "./journal-files.ts";
import type { JournaledDisk, JournalWorld } from "./journaled-disk.ts";
import { createOneAtATime } from "./one-at-a-time.ts";
import { type RecordGroup, openRecordGroup } from "./record-group.ts";
import type { DiskRecord, TargetRecord } from "./record.ts";
import { isDecided } from "./target-decision.ts";
import type { TargetJournal } from "./target-journal.ts";
import { rememberWhatWas, type WhatWas } from "./what-was.ts";
import { withheldBlockIn } from "./withheld-block.ts";

/** More runs than this are joined: a record stays small, whatever was written. */
const MOST_RUNS = 2048;

/** The records of a migration's targets, opened, and the unfinished migration that they speak of, if any. */
export interface OpenTargetJournal {
  readonly journal: TargetJournal;
  readonly found: FoundTarget | undefined;
}

/**
 * Opens the records of a migration's targets; nothing is written. The first disk's is the one that decides from `begin()` on. A
 * journal that was opened after a crash goes on with the migration that it finds on all its disks. Throws `JournalError`.
 */
export async function openTargetJournal(disks: readonly JournaledDisk[]): Promise<OpenTargetJournal> {
  return openTargetJournalIn({ files: machineFiles, now: () => new Date() }, disks);
}

export async function openTargetJournalIn(
  world: JournalWorld,
  disks: readonly JournaledDisk[],
): Promise<OpenTargetJournal> {
  const paths = disks.map(({ record }) => record.path);
  const group = await openRecordGroup(world.files, paths);
  const found = findTarget(await group.decided());
  return { journal: createTargetJournal(world, disks, group), found };
}

function createTargetJournal(
  { files, now }: JournalWorld,
  disks: readonly JournaledDisk[],
  group: RecordGroup,
): TargetJournal {
  const inOrder = createOneAtATime();
  const withheld = group.paths.map((path) => withheldBlockIn(files, path));
  let before: WhatWas | undefined;

  const begin: TargetJournal["begin"] = async (migration, about = {}) => {
    const same = ofMigration(await group.decided(), migration);
    const attempt = attemptToContinue(same);
    await group.settleOthers();
    before ??= await rememberWhatWas(group, withheld);
    for (const [index, block] of withheld.entries()) {
      // Before the record is another's: committing that one would write the first block of this.
      if (!same[index]) await block.remove();
    }
    const at = now().toISOString();
    await group.putAll((index, link) => {
      const { name, size } = disks[index]!;
      const held = same[index]?.held ?? [];
      return { role: "target", migration, disk: name, size, state: "incomplete", attempt, ...link, ...about, held, at };
    });
  };

  const held: TargetJournal["held"] = async (runs) => {
    if (runs.length !== disks.length) throw new RangeError(`${runs.length} lists of runs for ${disks.length} disks`);
    const [, deciding] = goingOn();
    if (deciding.state === "committed") throw new TypeError(`migration '${deciding.migration}' is committed`);
    for (const [index, ofDisk] of runs.entries()) {
      const record = group.own[index] as TargetRecord;
      const joined = joinRuns(ofDisk, MOST_RUNS);
      if (JSON.stringify(joined) === JSON.stringify(record.held)) continue;
      await group.put(index, { ...record, held: joined, at: now().toISOString() });
    }
  };

  const decide: TargetJournal["decide"] = async (state, attempt) => {
    const [index, record] = goingOn();
    if (isDecided(record, { state, attempt })) return;
    await group.put(index, { ...record, state, attempt, at: now().toISOString() });
  };

  const done: TargetJournal["done"] = async () => {
    if (group.own.every((record) => record?.role === "target" && record.state === "committed")) return;
    const [, { state, migration }] = goingOn();
    if (state !== "committed") throw new TypeError(`migration '${migration}' is ${state}, not committed`);
    await group.settleOthers();
  };

  const forget: TargetJournal["forget"] = async () => {
    await before?.putBack();
    before = undefined;
  };

  /** The migration that all disks are in: the deciding record, and which one that is. */
  const goingOn = (): readonly [index: number, record: TargetRecord] => {
    const index = group.deciding();
    const record = index === undefined ? undefined : group.own[index];
    if (index === undefined || record?.role !== "target") throw new TypeError("no migration has begun: begin() first");
    return [index, record];
  };

  return {
    begin: async (migration, about) => inOrder(async () => begin(migration, about)),
    held: async (runs) => inOrder(async () => held(runs)),
    decide: async (state, attempt) => inOrder(async () => decide(state, attempt)),
    done: async () => inOrder(done),
    forget: async () => inOrder(forget),
  };
}

/** The records of the same migration, each with the state that was decided for it. */
function ofMigration(
  records: readonly (DiskRecord | undefined)[],
  migration: string,
): readonly (TargetRecord | undefined)[] {
  return records.map((record) => (record?.role === "target" && record.migration === migration ? record : undefined));
}

/** The last attempt that was recorded: an answer to it must never be taken for one to the next. */
function attemptToContinue(same: readonly (TargetRecord | undefined)[]): number {
  const known = same.filter((record) => record !== undefined);
  const bound = known.find(({ state }) => state === "sealed" || state === "committed");
  if (bound) throw new TypeError(`migration '${bound.migration}' is ${bound.state}, so it cannot begin`);
  return Math.max(0, ...known.map(({ attempt }) => attempt));
}
