import type { BlockDevice } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

/** Writes, zeroes and flushes at random places, several at once, never two that overlap: as a guest's file system does. */
export interface GuestAtWork {
  /** Settles when the guest has stopped by itself and every request was answered. */
  readonly done: Promise<void>;
  /** Asks it to stop after the requests under way. */
  stop(): void;
  readonly answered: number;
}

const SECTOR = 512;

export function startGuest(
  face: BlockDevice,
  random: SeededRandom,
  turn: () => Promise<void>,
  requests: number,
): GuestAtWork {
  const busy = new Set<{ readonly start: number; readonly end: number }>();
  let stopped = false;
  let answered = 0;

  const place = (): { start: number; end: number } | undefined => {
    const sectors = face.size / SECTOR;
    const start = random.int(sectors) * SECTOR;
    const length = Math.min(face.size - start, (1 + random.int(random.pick([2, 8, 300, 3000]))) * SECTOR);
    const end = start + length;
    return [...busy].some((other) => other.start < end && start < other.end) ? undefined : { start, end };
  };

  const request = async (): Promise<void> => {
    const at = place();
    if (!at) return;
    busy.add(at);
    const length = at.end - at.start;
    try {
      if (random.int(4) === 0) await face.zero(at.start, length);
      else await face.write(at.start, [Buffer.alloc(length, 1 + random.int(255))]);
    } catch {
      // A request that fails is answered too; what it left on the disk is the disk's content.
    }
    busy.delete(at);
    answered++;
  };

  const vcpu = async (): Promise<void> => {
    for (let i = 0; i < requests && !stopped; i++) {
      await turn();
      await request();
    }
  };

  const done = Promise.all([vcpu(), vcpu()]).then(() => undefined);
  return {
    done,
    stop() {
      stopped = true;
    },
    get answered() {
      return answered;
    },
  };
}
