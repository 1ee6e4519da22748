import type { LoadProgress } from "./load-options.ts";
import { missingBlocks, type Target } from "./target.ts";

export function progressOf(targets: readonly Target[], transferred: number): LoadProgress {
  const disks = targets.map(({ name, device, covered, dataBytes, zeroBytes }) => ({
    name,
    size: device.size,
    covered: covered.bytes,
    dataBytes,
    zeroBytes,
  }));
  const total = disks.reduce((sum, { size }) => sum + size, 0);
  const covered = disks.reduce((sum, disk) => sum + disk.covered, 0);
  return { transferred, total, covered, disks };
}

/** What has not landed, as the end of a sentence; empty if all has. */
export function missingOf(targets: readonly Target[]): string {
  const lacking = targets.map(missingBlocks).filter((each) => each !== undefined);
  return lacking.length === 0 ? "" : `; missing: ${lacking.join(", ")}`;
}
