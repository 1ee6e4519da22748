import { machineFiles } from "./journal-files.ts";
import type { JournaledDisk, JournalWorld } from "./journaled-disk.ts";
import { createOneAtATime } from "./one-at-a-time.ts";
import { type RecordGroup, openRecordGroup } from "./record-group.ts";
import type { DiskRecord, SourceRecord } from "./record.ts";
import type { FoundSource, PassedOn, SourceJournal } from "./source-journal.ts";
import { whatBrought } from "./what-brought.ts";
import { rememberWhatWas, type WhatWas } from "./what-was.ts";

/** The records of a migration's sources, opened, and the migration that they speak of, if any. */
export interface OpenSourceJournal {
  readonly journal: SourceJournal;
  readonly found: FoundSource | undefined;
}

/**
 * Opens the records of a migration's sources; nothing is written. The first disk's is the one that decides from `begin()` on. A
 * journal that was opened after a crash goes on with the migration that it finds on all its disks. Throws `JournalError`.
 */
export async function openSourceJournal(disks: readonly JournaledDisk[]): Promise<OpenSourceJournal> {
  return openSourceJournalIn({ files: machineFiles, now: () => new Date() }, disks);
}

export async function openSourceJournalIn(
  world: JournalWorld,
  disks: readonly JournaledDisk[],
): Promise<OpenSourceJournal> {
  const paths = disks.map(({ record }) => record.path);
  const group = await openRecordGroup(world.files, paths);
  const found = findSource(await group.decided());
  return { journal: createSourceJournal(world, disks, group), found };
}

function createSourceJournal(
  { now }: JournalWorld,
  disks: readonly JournaledDisk[],
  group: RecordGroup,
): SourceJournal {
  const inOrder = createOneAtATime();
  let before: WhatWas | undefined;

  const begin: SourceJournal["begin"] = async (migration, about = {}) => {
    const known = findSource((await group.decided()).filter((record) => record?.migration === migration));
    if (known) assertNotGone(known);
    await group.settleOthers();
    before ??= await rememberWhatWas(group, []);
    const attempt = known?.attempt ?? 0;
    const at = now().toISOString();
    await group.putAll((index, link) => {
      const { name, size } = disks[index]!;
      const brought = whatBrought(group.own[index]);
      const past = brought === undefined ? {} : { brought };
      return { role: "source", migration, disk: name, size, state: "sending", attempt, ...link, ...past, ...about, at };
    });
  };

  const record = async (state: SourceRecord["state"], said?: number, on: PassedOn = {}): Promise<void> => {
    const index = group.deciding();
    const deciding = index === undefined ? undefined : group.own[index];
    if (index === undefined || deciding?.role !== "source")
      throw new TypeError("no migration has begun: begin() first");
    const attempt = said ?? deciding.attempt;
    if (deciding.state === state && deciding.attempt === attempt) return;
    assertNotGone(deciding);
    await group.put(index, { ...deciding, ...on, state, attempt, at: now().toISOString() });
  };

  const forget = async (): Promise<void> => {
    const index = group.deciding();
    const state = index === undefined ? undefined : group.own[index]?.state;
    if (before && state !== "sending" && state !== "kept") throw new TypeError(`what is ${state} is not forgotten`);
    await before?.putBack();
    before = undefined;
  };

  return {
    forget: async () => inOrder(forget),
    begin: async (migration, about) => inOrder(async () => begin(migration, about)),
    asked: async (attempt, on) => inOrder(async () => record("asked", attempt, on)),
    kept: async () => inOrder(async () => record("kept")),
    moved: async (attempt, how, on) =>
      inOrder(async () => {
        await record(how, attempt, on);
        // Nothing can change it any more, so no disk's record needs another's.
        await group.settleOthers();
      }),
  };
}

function assertNotGone({ migration, state }: FoundSource): void {
  if (state !== "moved" && state !== "cloned") return;
  throw new TypeError(`migration '${migration}' is committed (${state}): its sources' records are final`);
}

const MOST_BINDING: readonly SourceRecord["state"][] = ["moved", "asked", "cloned", "sending", "kept"];

function findSource(records: readonly (DiskRecord | undefined)[]): FoundSource | undefined {
  const [most] = records
    .filter((record) => record?.role === "source")
    .toSorted((a, b) => MOST_BINDING.indexOf(a.state) - MOST_BINDING.indexOf(b.state));
  return most && { migration: most.migration, state: most.state, attempt: most.attempt };
}
