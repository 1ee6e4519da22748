import { createDirtyBitmap, type DirtyBitmap, type Run } from "@blkmig/device";

import type { SourceDisk } from "./migration-options.ts";
import type { DiskView } from "./plan.ts";

/** What a source has still to do on one disk, and what it has done. */
export interface DiskWork {
  readonly disk: SourceDisk;
  /** What must be sent, in whole units: at first everything, so the unread remainder of bulk is always pending. */
  readonly todo: DirtyBitmap;
  /** What has been cleared and has not left yet. */
  readonly inFlight: DirtyBitmap;
  /** How far this pass has come, bytes. */
  cursor: number;
  /** The disk said that it holds data up to here: read, do not ask. Only saves questions, so it may grow old. */
  dataUntil: number;
  dataBytes: number;
  zeroBytes: number;
  skippedBytes: number;
}

export function createDiskWork(disk: SourceDisk, unit: number): DiskWork {
  const { size } = disk.device;
  const todo = createDirtyBitmap({ size, granularity: unit });
  todo.markAll();
  const inFlight = createDirtyBitmap({ size, granularity: unit });
  return { disk, todo, inFlight, cursor: 0, dataUntil: 0, dataBytes: 0, zeroBytes: 0, skippedBytes: 0 };
}

/** A new pass begins at the disk's start. What the disk said of its data is asked again. */
export function rewind(work: DiskWork): void {
  work.cursor = 0;
  work.dataUntil = 0;
}

/** Takes a run out of what must be sent. Before it is asked about or read: a write landing meanwhile marks it again. */
export function beginFlight(work: DiskWork, run: Run): void {
  work.todo.clear(run.offset, run.length);
  work.inFlight.mark(run.offset, run.length);
  work.cursor = run.offset + run.length;
}

/** The run has left. */
export function endFlight(work: DiskWork, run: Run): void {
  work.inFlight.clear(run.offset, run.length);
}

/** The run has not left and must still be sent. */
export function abandonFlight(work: DiskWork, run: Run): void {
  work.todo.mark(run.offset, run.length);
  work.inFlight.clear(run.offset, run.length);
}

/** Bytes still to be sent or in flight. */
export function pendingBytes(work: DiskWork): number {
  return work.todo.bytes + work.inFlight.bytes;
}

/** The disk as the planner sees it: its next run, at most `limit` bytes. */
export function viewOf(work: DiskWork, limit: number): DiskView {
  const run = work.todo.next(work.cursor, limit);
  if (!run) return { run, busy: false, data: false };
  const flight = work.inFlight.next(run.offset, 1);
  const clear = flight ? flight.offset - run.offset : run.length;
  if (clear <= 0) return { run, busy: true, data: false };
  const clipped = clear < run.length ? { offset: run.offset, length: clear } : run;
  return { run: clipped, busy: false, data: run.offset < work.dataUntil };
}
