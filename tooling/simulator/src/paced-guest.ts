import type { BlockDevice } from "@blkmig/device";
import type { Clock } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

const WRITE_BYTES = 4096;
const TICK_MS = 2;
/** Writes that a guest has under way before it waits for one. */
const DEPTH = 32;

/** A guest that writes 4 KiB at random places, so many bytes a second if it is let. */
export interface PacedGuest {
  readonly answeredBytes: number;
  /** The longest that a write took, milliseconds. */
  readonly slowestMs: number;
  /** Bytes of the granules written since this was asked last, each counted once. */
  takeDirtied(): number;
  stop(): void;
  /** Settles when it was stopped and all its writes were answered. */
  readonly done: Promise<void>;
}

export interface PacedGuestParts {
  readonly face: BlockDevice;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly bytesPerSecond: number;
  readonly granularity: number;
}

export function startPacedGuest({ face, clock, random, bytesPerSecond, granularity }: PacedGuestParts): PacedGuest {
  const busy = new Set<number>();
  const underWay = new Set<Promise<void>>();
  const dirtied = new Set<number>();
  let stopped = false;
  let answeredBytes = 0;
  let slowestMs = 0;

  const write = async (offset: number): Promise<void> => {
    busy.add(offset);
    const since = clock.now();
    await face.write(offset, [Buffer.alloc(WRITE_BYTES, 1 + random.int(255))]);
    slowestMs = Math.max(slowestMs, clock.now() - since);
    answeredBytes += WRITE_BYTES;
    dirtied.add(Math.floor(offset / granularity));
    busy.delete(offset);
  };

  const begin = (): void => {
    const offset = random.int(face.size / WRITE_BYTES) * WRITE_BYTES;
    if (busy.has(offset)) return; // never two that overlap, as a file system does it
    const writing: Promise<void> = write(offset).finally(() => underWay.delete(writing));
    underWay.add(writing);
  };

  const work = async (): Promise<void> => {
    let owed = 0;
    while (!stopped) {
      await clock.sleep(TICK_MS);
      // What it could not write while it waited it does not make up for.
      owed = Math.min(owed + (bytesPerSecond * TICK_MS) / 1000, DEPTH * WRITE_BYTES);
      for (; owed >= WRITE_BYTES && underWay.size < DEPTH; owed -= WRITE_BYTES) begin();
    }
    await Promise.all(underWay);
  };

  return {
    get answeredBytes() {
      return answeredBytes;
    },
    get slowestMs() {
      return slowestMs;
    },
    takeDirtied() {
      const bytes = dirtied.size * granularity;
      dirtied.clear();
      return bytes;
    },
    stop() {
      stopped = true;
    },
    done: work(),
  };
}
