import type { Described } from "./client-reply-frame.ts";
import type { DirtyExtent } from "./nbd-contract.ts";
import { DIRTY } from "./nbd-numbers.ts";

/** What a bitmap's description that begins at `offset` says of the bytes from `from` to `to`, as far as it reaches. */
export function dirtyOf(runs: readonly Described[], offset: number, from: number, to: number): DirtyExtent[] {
  const extents: DirtyExtent[] = [];
  let at = offset;
  for (const { length, flags } of runs) {
    const [first, end] = [Math.max(at, from), Math.min(at + length, to)];
    if (first < end) extents.push({ offset: first, length: end - first, dirty: (flags & DIRTY) !== 0 });
    at += length;
  }
  return extents;
}

/** Neighbours of one kind as one, also where one answer ended and the next began: a clean disk of any size is one extent. */
export async function* joined(extents: AsyncIterable<DirtyExtent>): AsyncGenerator<DirtyExtent> {
  let run: { offset: number; length: number; dirty: boolean } | undefined;
  for await (const { offset, length, dirty } of extents) {
    if (run?.dirty === dirty) {
      run.length += length;
      continue;
    }
    if (run) yield run;
    run = { offset, length, dirty };
  }
  if (run) yield run;
}
