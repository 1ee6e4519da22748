import type { RecordGroup } from "./record-group.ts";
import type { TargetRecord } from "./record.ts";
import type { WithheldBlock } from "./withheld-block.ts";

/** What was known of some disks at one time. */
export interface WhatWas {
  /** Makes it so again. A crash in between leaves disks that were unfinished at most marked as another migration's. */
  putBack(): Promise<void>;
}

/** `withheld` are the first blocks of the group's disks. */
export async function rememberWhatWas(group: RecordGroup, withheld: readonly WithheldBlock[]): Promise<WhatWas> {
  const firstBlocks = await Promise.all(withheld.map(async (block) => block.load()));
  const records = [...group.own];
  const backwards = [...records.entries()].toReversed();
  return {
    async putBack() {
      for (const [index, record] of backwards) {
        const firstBlock = firstBlocks[index];
        if (!firstBlock || record?.role !== "target") continue;
        // Between these two its first block is nowhere; and under the newer record it would be taken for that migration's.
        await group.put(index, undecided(record));
        await withheld[index]!.save(firstBlock);
      }
      // The deciding one last: one that points to it must find it.
      for (const [index, record] of backwards) {
        if (record) await group.put(index, record);
        else await group.erase(index);
      }
    },
  };
}

/** Incomplete, whatever was decided. */
function undecided(record: TargetRecord): TargetRecord {
  const { role, migration, disk, size, attempt, held, at } = record;
  return { role, migration, disk, size, state: "incomplete", attempt, held, at };
}
