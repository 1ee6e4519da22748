import type { DiskRecord, TargetRecord } from "./record.ts";

/** What was there before: an unfinished migration to some of the disks. */
export interface FoundTarget {
  /** Its id; undefined if the disks have unfinished parts of different ones. */
  readonly migration: string | undefined;
  /** `sealed` if any disk is in doubt. */
  readonly state: TargetRecord["state"];
  /** The last one that was recorded. */
  readonly attempt: number;
  /** For each disk, in order; empty where there is no record. A hint, to be hashed before it is believed. */
  readonly held: readonly (readonly (readonly [offset: number, length: number])[])[];
}

/** The records have the states that were decided for them. Undefined if no migration is unfinished; committed ones do not count. */
export function findTarget(records: readonly (DiskRecord | undefined)[]): FoundTarget | undefined {
  const unfinished = records.filter(isUnfinished);
  const [first] = unfinished;
  if (!first) return undefined;
  const isOne = unfinished.every(({ migration }) => migration === first.migration);
  return {
    migration: isOne ? first.migration : undefined,
    state: unfinished.find(({ state }) => state === "sealed")?.state ?? first.state,
    attempt: Math.max(...unfinished.map(({ attempt }) => attempt)),
    held: records.map((record) => (isUnfinished(record) ? record.held : [])),
  };
}

function isUnfinished(record: DiskRecord | undefined): record is TargetRecord {
  return record?.role === "target" && record.state !== "committed";
}
