import type { Run } from "@blkmig/device";

import { claim, type DiskWork } from "./disk-work.ts";

/** Claims the whole units inside a run; of a unit that is held in part nothing is claimed. */
export function claimWhole(work: DiskWork, { offset, length }: Run): void {
  const { granularity, size } = work.claimed;
  const from = Math.ceil(offset / granularity) * granularity;
  const end = offset + length;
  const to = end >= size ? size : end - (end % granularity);
  if (from < to) claim(work, { offset: from, length: to - from });
}

/** Claims what is neither to be sent, nor in flight, nor verified. */
export function claimGaps(work: DiskWork): void {
  const { todo, inFlight, verified } = work;
  const { size } = verified;
  for (let at = 0; at < size;) {
    const taken = [todo, inFlight, verified].map((marks) => marks.next(at));
    const inside = taken.find((run) => run?.offset === at);
    if (inside) {
      at += inside.length;
      continue;
    }
    const end = Math.min(size, ...taken.map((run) => run?.offset ?? size));
    claim(work, { offset: at, length: end - at });
    at = end;
  }
}
