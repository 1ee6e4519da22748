import { setTimeout as wait } from "node:timers/promises";

import type { BlockDevice } from "@blkmig/device";

import type { Latencies } from "./writer-latencies.ts";
import { SECTOR, type Sectors } from "./writer-sectors.ts";
import { monotonicMs } from "./writer-words.ts";

/** Writes under way at most: what a virtio queue has. While they are, the schedule goes on, and latencies from due with it. */
const DEPTH = 256;
/** Timers are no finer; several writes may be due at each. */
const TICK_MS = 1;

export interface SteadyWrites {
  readonly disk: BlockDevice;
  readonly sectors: Sectors;
  readonly latencies: Latencies;
  readonly bytesPerSecond: number;
  /** Asked at each tick, with the time. */
  readonly isOver: (now: number) => boolean;
}

/** Writes at random places at a steady rate, whether earlier writes were answered or not; ends when all are. */
export async function writeSteadily({ disk, sectors, latencies, bytesPerSecond, isOver }: SteadyWrites): Promise<void> {
  const every = (1000 * SECTOR) / bytesPerSecond; // nobody writes: never
  const underWay = new Set<Promise<void>>();
  const began = monotonicMs();
  let failure: { readonly error: unknown } | undefined;
  let next = 1;

  async function write(due: number): Promise<void> {
    const { sector, bytes } = sectors.begin();
    const sent = monotonicMs();
    await disk.write(sector * SECTOR, [bytes]);
    latencies.add(due, sent, monotonicMs());
    sectors.landed(sector, bytes);
  }

  for (let now = began; !isOver(now) && !failure; now = monotonicMs()) {
    for (; began + next * every <= now && underWay.size < DEPTH; next++) {
      const writing = write(began + next * every)
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => underWay.delete(writing));
      underWay.add(writing);
    }
    await (underWay.size < DEPTH ? wait(TICK_MS) : Promise.race(underWay));
  }
  const over = monotonicMs();
  for (; began + next * every <= over; next++) latencies.addUnsent(began + next * every, over);
  await Promise.all(underWay);
  if (failure) throw failure.error;
}
