import { progressOf } from "./load-progress.ts";
import type { SinkSessionProgress, SinkSessionResult } from "./session-contract.ts";
import type { Migration } from "./session-migration.ts";

export function sessionProgressOf(migration: Migration | undefined, transferred: number): SinkSessionProgress {
  const targets = migration?.targets ?? [];
  const progress = progressOf(targets, transferred);
  const disks = progress.disks.map((disk, at) => ({ ...disk, equalBytes: targets[at]!.equalBytes }));
  return { ...progress, disks };
}

export function sessionResultOf(
  migration: Migration,
  { transferred, ...how }: Pick<SinkSessionResult, "transferred" | "checksums" | "told">,
): SinkSessionResult {
  const { offer, state, targets } = migration;
  const verified = targets.every((target) => target.verified.bytes === target.device.size);
  return {
    ...sessionProgressOf(migration, transferred),
    migration: offer.migration,
    attempt: state.attempt,
    verified,
    ...how,
  };
}
