import { type DiskLike, placeOfRecord, readRecord, type RecordPlace, withheldBlock } from "@blkmig/journal";

import { messageOf } from "../command-error.ts";

/** The migration to a disk that is not finished, if there is one: its commit, or its first block, is missing. */
export async function unfinishedMigration(
  place: RecordPlace,
  record: Awaited<ReturnType<typeof readRecord>>,
): Promise<string | undefined> {
  if (record?.role !== "target") return undefined;
  const isWhole = record.state === "committed" && (await withheldBlock(place).load()) === undefined;
  return isWhole ? undefined : record.migration;
}

/** What whoever compares a disk should know of it: bytes that are equal make no disk that is complete. */
export async function warningOf(disk: DiskLike): Promise<string | undefined> {
  try {
    const place = await placeOfRecord(disk);
    const migration = await unfinishedMigration(place, await readRecord(place.path));
    if (migration === undefined) return undefined;
    return `${disk.path} is the target of migration ${migration}, which is not finished: it is incomplete, whatever is compared`;
  } catch (error) {
    return `whether ${disk.path} is complete is not known: ${messageOf(error)}`;
  }
}
