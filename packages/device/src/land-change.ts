import type { Segments } from "./block-device.ts";
import type { Mirror, MirroredWrite } from "./tracking.ts";

/** A request of the guest that changes its disk. */
export interface Change {
  readonly offset: number;
  readonly length: number;
  /** What it writes, borrowed until the change is answered. */
  readonly data: Segments | "zero";
  /** Lands it at the source. */
  readonly land: () => Promise<void>;
}

/** Lands a change that is marked before it is answered, unless the mirror has carried it to the sink. Settles as it landed. */
export async function landChange(change: Change, mirror: Mirror | undefined, mark: () => void): Promise<void> {
  const mirrored = mirror === undefined ? undefined : await beginMirrored(change, mirror);
  let isCarried = false;
  try {
    await change.land();
    isCarried = mirrored !== undefined && (await isCarriedBy(mirrored, change));
  } finally {
    // After it landed, or a sync and a read in between would lose it; before the answer, or a guest that was told of its
    // write could be paused, and switched over, without it. A failed write may have landed in part.
    if (!isCarried) mark();
    // After the mark: what may begin on these granules now finds it.
    mirrored?.end();
  }
}

/** Nothing if the mirror will not have it: the guest's write does not depend on it. */
async function beginMirrored({ offset, length }: Change, mirror: Mirror): Promise<MirroredWrite | undefined> {
  try {
    return await mirror.begin(0, offset, length);
  } catch {
    return undefined; // whose mirror it is knows why; the mark says here that the sink has not got it
  }
}

async function isCarriedBy(mirrored: MirroredWrite, { data }: Change): Promise<boolean> {
  try {
    await mirrored.carry(data);
    return true;
  } catch {
    return false; // it landed at the source: the guest's answer is a success, and the mark sends it again
  }
}
