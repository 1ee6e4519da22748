import { createDirtyBitmap, type DirtyBitmap, type DirtySet, type Run } from "@blkmig/device";

import type { SourceDisk } from "./migration-options.ts";
import type { DiskView } from "./plan.ts";

/** What a source has still to do on one disk, and what it has done. */
export interface DiskWork {
  readonly disk: SourceDisk;
  /** Its place among the disks of the migration. */
  readonly index: number;
  /** What must be sent, in whole units: at first everything, so the unread remainder of bulk is always pending. */
  readonly todo: DirtyBitmap;
  /** What has been cleared and has not landed yet. */
  readonly inFlight: DirtyBitmap;
  /** Of what must be sent, what the sink may have already: its hash is asked about before it is sent. */
  readonly claimed: DirtyBitmap;
  /** What the sink has read back and found equal since it was sent last. */
  readonly verified: DirtyBitmap;
  /** Bytes of what is in flight that only share a granule with a mirrored write: they are not being sent. */
  widenedBytes: number;
  /** How far this pass has come, bytes. */
  cursor: number;
  /** The disk said that it holds data up to here: read, do not ask. Only saves questions, so it may grow old. */
  dataUntil: number;
  /** How much the disk is asked about next. */
  askBytes: number;
  dataBytes: number;
  zeroBytes: number;
  skippedBytes: number;
  /** Found equal by hash, and so not sent. */
  equalBytes: number;
  /** Asked about by hash, and not the same. */
  differedBytes: number;
}

export function createDiskWork(disk: SourceDisk, index: number, unit: number): DiskWork {
  const { size } = disk.device;
  const bitmap = (): DirtyBitmap => createDirtyBitmap({ size, granularity: unit });
  const todo = bitmap();
  todo.markAll();
  return {
    disk,
    index,
    todo,
    inFlight: bitmap(),
    claimed: bitmap(),
    verified: bitmap(),
    widenedBytes: 0,
    cursor: 0,
    dataUntil: 0,
    askBytes: 0,
    dataBytes: 0,
    zeroBytes: 0,
    skippedBytes: 0,
    equalBytes: 0,
    differedBytes: 0,
  };
}

/** A new pass begins at the disk's start. What the disk said of its data is asked again. */
export function rewind(work: DiskWork): void {
  work.cursor = 0;
  work.dataUntil = 0;
}

/** Takes in what the guest has written; gives its bytes. What it wrote the sink cannot have. */
export function takeWrites(work: DiskWork, set: DirtySet): number {
  work.todo.merge(set);
  const { claimed } = work;
  let marked = 0;
  for (const { offset, length } of set.runs()) {
    marked += length;
    // To whole granules of ours: one that is part written is no longer what was claimed.
    const from = offset - (offset % claimed.granularity);
    const to = Math.min(claimed.size, Math.ceil((offset + length) / claimed.granularity) * claimed.granularity);
    if (claimed.bytes > 0) claimed.clear(from, to - from);
  }
  return marked;
}

/** Takes a run out of what must be sent. Before it is asked about or read: a write landing meanwhile marks it again. */
export function beginFlight(work: DiskWork, run: Run): void {
  work.todo.clear(run.offset, run.length);
  work.inFlight.mark(run.offset, run.length);
  work.cursor = run.offset + run.length;
}

/** The run has landed. */
export function endFlight(work: DiskWork, run: Run): void {
  work.inFlight.clear(run.offset, run.length);
}

/** The run has not landed and must still be sent. */
export function abandonFlight(work: DiskWork, run: Run): void {
  work.todo.mark(run.offset, run.length);
  work.inFlight.clear(run.offset, run.length);
}

/** The sink may have this: it is to be sent, unless its hash is found equal there. */
export function claim(work: DiskWork, run: Run): void {
  work.todo.mark(run.offset, run.length);
  work.claimed.mark(run.offset, run.length);
}

/** Bytes still to be sent or in flight. */
export function pendingBytes(work: DiskWork): number {
  return work.todo.bytes + work.inFlight.bytes - work.widenedBytes;
}

export const isClaimed = (work: DiskWork, run: Run): boolean => work.claimed.next(run.offset, 1)?.offset === run.offset;

/** The disk as the planner sees it: its next run, at most `limit` bytes, all of it claimed or nothing. */
export function viewOf(work: DiskWork, limit: number): DiskView {
  const run = work.todo.next(work.cursor, limit);
  if (!run) return { run, busy: false, data: false };
  const { offset } = run;
  const clear = runBefore(work.inFlight, run);
  if (clear <= 0) return { run, busy: true, data: false };
  const data = offset < work.dataUntil;
  const known = data ? Math.min(clear, work.dataUntil - offset) : clear;
  const claimedFrom = work.claimed.next(offset, known);
  const alike = claimedFrom?.offset === offset ? claimedFrom.length : (claimedFrom?.offset ?? Infinity) - offset;
  return { run: { offset, length: Math.min(known, alike) }, busy: false, data };
}

/** How many bytes of a run come before what is marked. */
function runBefore(marks: DirtyBitmap, { offset, length }: Run): number {
  const next = marks.next(offset, 1);
  return Math.min(length, (next?.offset ?? Infinity) - offset);
}
