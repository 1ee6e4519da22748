import type { BlockDevice } from "@blkmig/device";

import { STATE } from "./nbd-numbers.ts";
import type { Descriptor } from "./server-replies.ts";

/** One answer is no longer: who asks for a whole disk asks again for the rest. */
const MOST_DESCRIPTORS = 1024;

/** What is known of the extent, neighbours of one kind as one run: all of it, or the front of it if that is one too many runs. */
export async function describeRuns(
  device: BlockDevice,
  { offset, length, one }: { readonly offset: number; readonly length: number; readonly one: boolean },
  isWanted: () => boolean,
): Promise<readonly Descriptor[]> {
  const most = one ? 1 : MOST_DESCRIPTORS;
  const runs: Descriptor[] = [];
  for await (const extent of device.extents(offset, length)) {
    const flags = (extent.allocated ? 0 : STATE.HOLE) | (extent.zero ? STATE.ZERO : 0);
    const last = runs.at(-1);
    if (last?.flags === flags) last.length += extent.length;
    else if (runs.length === most || !isWanted()) break;
    else runs.push({ length: extent.length, flags });
  }
  return runs;
}
