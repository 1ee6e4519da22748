import { type BlockDevice, createDirtyBitmap, type DirtyBitmap, type Run } from "@blkmig/device/memory";
import type { SessionDisk } from "@blkmig/protocol";

import { markWhole } from "./granules.ts";
import { heldRuns } from "./held-runs.ts";
import type { HeldRun } from "./session-contract.ts";
import { createTarget, type Target } from "./target.ts";

/** The most runs that a WELCOME or a record has, for all disks together. */
const MOST_RUNS = 2048;

/** A target that may hold something already, and is asked about it. */
export interface SessionTarget extends Target {
  /** What it may hold from before: to be hashed before it is believed. */
  readonly hints: DirtyBitmap;
  /** Of what the source may ask a hash: what it was told of, and what it sent. Of anything else it would learn old data. */
  readonly askable: DirtyBitmap;
}

export function createSessionTarget(
  { name, size, granularity }: SessionDisk,
  device: BlockDevice,
  held: readonly HeldRun[],
): SessionTarget {
  const hints = createDirtyBitmap({ size, granularity });
  for (const run of held) {
    const offset = Math.min(run.offset, size);
    hints.mark(offset, Math.min(run.length, size - offset)); // a record of a larger disk says too much
  }
  const askable = createDirtyBitmap({ size, granularity });
  return { ...createTarget({ name, device }, granularity), hints, askable };
}

/** The source has forgotten what it sent: what it sent is a hint, like what was there before it. */
export function distrust({ covered, verified, hints, askable }: SessionTarget): void {
  hints.merge(covered);
  covered.clearAll();
  verified.clearAll();
  askable.clearAll();
}

/** What a source is told of, for each disk; of all this it may ask. */
export function tellHints(targets: readonly SessionTarget[]): (readonly [offset: number, length: number])[][] {
  const told = heldRuns(
    targets.map(({ hints }) => hints),
    MOST_RUNS,
  );
  for (const [disk, { askable }] of targets.entries()) {
    for (const { offset, length } of told[disk]!) askable.mark(offset, length);
  }
  return told.map((runs) => runs.map(({ offset, length }) => [offset, length] as const));
}

/** What each disk has, or may have: hints for a resume. */
export function holdings(targets: readonly SessionTarget[]): readonly (readonly Run[])[] {
  return heldRuns(
    targets.map(({ covered, hints }) => {
      const either = createDirtyBitmap(covered);
      either.merge(covered);
      either.merge(hints);
      return either;
    }),
    MOST_RUNS,
  );
}

/** The source has sent an extent: from now on it may ask of it. */
export function admit({ askable }: SessionTarget, offset: number, length: number): void {
  markWhole(askable, offset, length);
}

/** The hash of an extent was right. */
export function believe(target: SessionTarget, offset: number, length: number): void {
  markWhole(target.covered, offset, length);
  markWhole(target.verified, offset, length);
  target.equalBytes += length;
}
