import type { DirtyBitmap, Run } from "@blkmig/device/memory";

/** So many runs are looked at; a disk that has more of them is told of more coarsely. */
const MOST_WALKED = 65_536;

/**
 * What is marked, in at most `most` runs for all disks together: joined over the smallest gaps, so a run may hold bytes
 * that are not marked. Costs no more for a disk in a million pieces.
 */
export function heldRuns(disks: readonly DirtyBitmap[], most: number): readonly (readonly Run[])[] {
  const each = Math.max(1, Math.floor(MOST_WALKED / Math.max(1, disks.length)));
  const runs = disks.map((marked) => walk(marked, each));
  const tooMany = runs.reduce((sum, ofDisk) => sum + ofDisk.length, 0) - most;
  if (tooMany <= 0) return runs;
  const gaps = runs.flatMap(gapsOf).toSorted((a, b) => a - b);
  const widest = gaps[Math.min(tooMany, gaps.length) - 1] ?? 0;
  return runs.map((ofDisk) => join(ofDisk, widest));
}

/** Every run, if there are no more than `most`; else whatever begins within a step counts as a run of that step. */
function walk(marked: DirtyBitmap, most: number): readonly Run[] {
  const exact = take(marked, most + 1, 0);
  return exact.length <= most ? exact : take(marked, most, Math.ceil(marked.size / most));
}

function take(marked: DirtyBitmap, most: number, step: number): readonly Run[] {
  const runs: Run[] = [];
  for (let run = marked.next(0); run && runs.length < most;) {
    const length = Math.max(run.length, Math.min(step, marked.size - run.offset));
    runs.push({ offset: run.offset, length });
    run = marked.next(run.offset + length);
  }
  return runs;
}

function gapsOf(runs: readonly Run[]): readonly number[] {
  return runs.slice(1).map(({ offset }, before) => offset - endOf(runs[before]!));
}

function join(runs: readonly Run[], widest: number): readonly Run[] {
  const joined: Run[] = [];
  for (const run of runs) {
    const last = joined.at(-1);
    if (last && run.offset - endOf(last) <= widest) joined[joined.length - 1] = span(last, run);
    else joined.push(run);
  }
  return joined;
}

const endOf = ({ offset, length }: Run): number => offset + length;
const span = (first: Run, last: Run): Run => ({ offset: first.offset, length: endOf(last) - first.offset });
