import type { DiskWork } from "./disk-work.ts";

/** The percentages that the classic sender puts before bulk blocks. */
export interface BulkProgress {
  /** The percentage to send before a bulk run of this disk at `offset`, if it differs from the last one. */
  before(work: DiskWork, offset: number): number | undefined;
  /** How many bytes from there have the same percentage, at least one unit. */
  same(work: DiskWork, offset: number, unit: number): number;
}

/**
 * The bulk position, over all disks, before the block just submitted; 0 comes first, and it stops at 99: 100 belongs to
 * the end alone.
 */
export function createBulkProgress(all: readonly DiskWork[]): BulkProgress {
  const starts = new Map<DiskWork, number>();
  let total = 0;
  for (const work of all) {
    starts.set(work, total);
    total += work.disk.device.size;
  }
  let last = -1;
  const percentAt = (position: number): number => Math.min(99, Math.floor((position / total) * 100));
  return {
    before(work, offset) {
      const percent = percentAt(starts.get(work)! + offset);
      if (percent === last) return undefined;
      last = percent;
      return percent;
    },
    same(work, offset, unit) {
      const position = starts.get(work)! + offset;
      const next = Math.ceil(((percentAt(position) + 1) * total) / 100);
      return Math.max(unit, Math.ceil((next - position) / unit) * unit);
    },
  };
}
