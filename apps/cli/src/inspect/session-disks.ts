import type { SessionDisk } from "@blkmig/protocol";

import type { ExtentItem } from "./session-item.ts";

/** What was said of one disk, counted: bytes of its extents. */
export interface SessionDiskSummary extends Partial<SessionDisk> {
  /** Its index. Name, size and granularity are HELLO's, if it came. */
  readonly disk: number;
  readonly data: number;
  readonly hole: number;
  readonly hash: number;
  /** Of the answers to hashes. */
  readonly equal: number;
  readonly notEqual: number;
}

type Counted = "data" | "hole" | "hash" | "equal" | "notEqual";

/** Counts by disk; `result()` at any time, in the order of the indexes. */
export function createSessionDisks(): {
  declare(table: readonly SessionDisk[]): void;
  add(item: ExtentItem): void;
  result(): readonly SessionDiskSummary[];
} {
  const disks = new Map<number, SessionDiskSummary>();
  const change = (disk: number, changed: (before: SessionDiskSummary) => Partial<SessionDiskSummary>): void => {
    const before = disks.get(disk) ?? { disk, data: 0, hole: 0, hash: 0, equal: 0, notEqual: 0 };
    disks.set(disk, { ...before, ...changed(before) });
  };
  return {
    declare(table) {
      for (const [disk, declared] of table.entries()) change(disk, () => declared);
    },
    add(item) {
      const counted = countedOf(item);
      change(item.disk, (before) => ({ [counted]: before[counted] + item.length }));
    },
    result: () => [...disks.values()].toSorted((a, b) => a.disk - b.disk),
  };
}

function countedOf(item: ExtentItem): Counted {
  if (item.type !== "answer") return item.type;
  return item.equal ? "equal" : "notEqual";
}
