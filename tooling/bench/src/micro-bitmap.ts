import { createDirtyBitmap, type DirtyBitmap } from "@blkmig/device";

import { KiB, MANY, type MicroTask, MiB, repeated } from "./micro-task.ts";

const SIZE = 64 * 1024 * MiB;
const GRANULARITY = 64 * KiB;
/** Of a disk of 64 GiB: an eighth of its granules would be marked if all were different. */
const PLACES = 128 * KiB;
/** A prime, so that places are all over the disk. */
const STEP = 4099 * 4096 * KiB + 12 * KiB;

/** The dirty bitmap of 64 GiB in granules of 64 KiB, written 4 KiB at a time all over. */
export function bitmapTasks(): readonly MicroTask[] {
  const places = Array.from({ length: PLACES }, (_, index) => (index * STEP) % SIZE);
  const scattered = empty();
  for (const place of places) scattered.mark(place, 4 * KiB);
  const [marking, clearing, merging, other] = [empty(), empty(), empty(), empty()];
  for (const place of places.slice(0, MANY)) other.mark(place, 4 * KiB);
  let [marked, cleared, from] = [0, 0, 0];

  return [
    repeated("bitmap: mark 4 KiB", MANY, () => {
      if (marked % PLACES === 0) marking.clearAll();
      marking.mark(places[marked++ % PLACES]!, 4 * KiB);
    }),
    repeated("bitmap: clear a granule", MANY, () => {
      if (cleared % PLACES === 0) clearing.merge(scattered);
      const place = places[cleared++ % PLACES]!;
      clearing.clear(place - (place % GRANULARITY), GRANULARITY);
    }),
    repeated("bitmap: next run", MANY, () => {
      const run = scattered.next(from);
      from = run ? run.offset + run.length : 0;
    }),
    {
      name: "bitmap: merge a run",
      times: [...other.runs()].length,
      run() {
        merging.clearAll();
        merging.merge(other);
      },
    },
  ];
}

function empty(): DirtyBitmap {
  return createDirtyBitmap({ size: SIZE, granularity: GRANULARITY });
}
