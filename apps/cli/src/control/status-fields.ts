import type { LiveDiskView, LiveStatus } from "../live/live-contract.ts";
import type { Fields } from "../output/json-lines.ts";
import { statusFields } from "../send/describe-statistics.ts";

/** What `status` answers. What is undefined is left out. */
export function liveStatusFields({ nbd, disks, migration }: LiveStatus): Fields {
  return { nbd, disks: disks.map(diskFields), migration: migration && migrationFields(migration) };
}

function diskFields({ readOnly, ...disk }: LiveDiskView): Fields {
  return { ...disk, "read-only": readOnly };
}

function migrationFields(migration: NonNullable<LiveStatus["migration"]>): Fields {
  return { ...migration, statistics: statusFields(migration.statistics) };
}
