import type { Mirror, MirroredWrite, Run, Segments } from "@blkmig/device";

import { aborted } from "./aborted.ts";
import type { Clock } from "./clock.ts";
import type { DiskWork } from "./disk-work.ts";
import type { Flights } from "./flights.ts";
import type { SessionOutlet } from "./session-outlet.ts";

/** How long a guest's write may wait for the sink before mirroring is given up. */
const CARRY_WITHIN_MS = 5000;

export interface MirroringParts {
  readonly works: readonly DiskWork[];
  /** For each work, which of the guest's disks it is. */
  readonly trackedAs: readonly number[];
  readonly outlet: SessionOutlet;
  readonly flights: Flights;
  readonly clock: Clock;
  /** A write could not be carried: mirroring is over. */
  readonly onFailure: (reason: unknown) => void;
}

/**
 * Carries a guest's writes to the sink, one by one (law 11). A write on its way is in flight like any other: no frame
 * touches its granules until it is acknowledged, and it begins only when none does.
 */
export function createMirroring(parts: MirroringParts): { readonly mirror: Mirror; stop(): void } {
  const { works, trackedAs, outlet, flights, clock, onFailure } = parts;
  const stopped = new AbortController();
  const give = (reason: unknown): never => {
    if (!stopped.signal.aborted) onFailure(reason);
    stopped.abort();
    throw reason;
  };

  const begin = async (work: DiskWork, run: Run): Promise<MirroredWrite> => {
    while (work.inFlight.any(run.offset, run.length)) {
      await flights.next();
      stopped.signal.throwIfAborted();
    }
    // Nothing is awaited between the look and the mark: two that waited for one flight would both begin.
    const granules = widen(run, work.inFlight);
    work.inFlight.mark(granules.offset, granules.length);
    work.widenedBytes += granules.length - run.length;
    let carried: Promise<void> = Promise.resolve();
    const ended = new AbortController();
    // A flight until the sink has it, even if the guest does not wait so long: whoever waits for its granules waits for it.
    flights.begin(async () => {
      await aborted(ended.signal);
      await carried.catch(() => {}); // told to the guest's face, which marks
      work.inFlight.clear(granules.offset, granules.length);
      work.widenedBytes -= granules.length - run.length;
    });
    return {
      async carry(data) {
        stopped.signal.throwIfAborted();
        work.verified.clear(granules.offset, granules.length);
        carried = sendMirrored(outlet, work.index, run, data);
        await withinTime(carried, clock).catch(give);
      },
      end: () => ended.abort(),
    };
  };

  return {
    mirror: {
      async begin(disk, offset, length) {
        stopped.signal.throwIfAborted();
        const work = works[trackedAs.indexOf(disk)];
        if (!work) throw new Error("a disk that is not moved");
        return begin(work, { offset, length });
      },
    },
    stop() {
      stopped.abort();
      flights.stir();
    },
  };
}

/** Throws when it takes too long. */
async function withinTime(carried: Promise<void>, clock: Clock): Promise<void> {
  const waited = new AbortController();
  const late = clock.sleep(CARRY_WITHIN_MS, waited.signal).then(() => {
    if (!waited.signal.aborted) throw new Error(`a mirrored write took longer than ${CARRY_WITHIN_MS} ms`);
  });
  try {
    await Promise.race([carried, late]);
  } finally {
    waited.abort();
  }
}

/** In frames as long as the sink takes them, one after the other on the wire. */
async function sendMirrored(outlet: SessionOutlet, disk: number, run: Run, data: Segments | "zero"): Promise<void> {
  if (data === "zero") return outlet.mirrored({ disk, ...run }, data);
  const bytes = data.length === 1 ? data[0]! : Buffer.concat(data);
  const frames: Promise<void>[] = [];
  for (let at = 0; at < bytes.length; at += outlet.mostBytes) {
    const piece = bytes.subarray(at, at + outlet.mostBytes);
    frames.push(outlet.mirrored({ disk, offset: run.offset + at, length: piece.length }, piece));
  }
  await Promise.all(frames);
}

function widen({ offset, length }: Run, { granularity, size }: { granularity: number; size: number }): Run {
  const from = offset - (offset % granularity);
  const to = Math.min(size, Math.ceil((offset + length) / granularity) * granularity);
  return { offset: from, length: to - from };
}
