import type { BlockDevice } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

import type { GuestShadow } from "./guest-shadow.ts";

/** Writes, zeroes and reads at random places, several at once, never two that overlap: as a guest's file system does. */
export interface GuestAtWork {
  /** Settles when the guest has stopped by itself and every request was answered. */
  readonly done: Promise<void>;
  /** Asks it to stop after the requests under way. */
  stop(): void;
  readonly answered: number;
}

/** What a guest remembers, and whom it tells of a lie. */
export interface GuestMemory {
  readonly shadow: GuestShadow;
  readonly onLie: (what: string) => void;
}

/** How much a guest does, and where. */
export interface GuestHabits {
  /** Of each of its two processors. */
  readonly requests: number;
  /** The bytes at which it begins to write, sector by sector; anywhere unless told. */
  readonly spots?: readonly number[] | undefined;
}

const SECTOR = 512;

export function startGuest(
  face: BlockDevice,
  random: SeededRandom,
  turn: () => Promise<void>,
  { requests, spots }: GuestHabits,
  memory?: GuestMemory,
): GuestAtWork {
  const busy = new Set<{ readonly start: number; readonly end: number }>();
  let stopped = false;
  let answered = 0;

  const place = (): { start: number; end: number } | undefined => {
    const sectors = face.size / SECTOR;
    const start = spots
      ? Math.min(random.pick(spots) + random.int(4) * SECTOR, face.size - SECTOR)
      : random.int(sectors) * SECTOR;
    const most = spots ? 12 : random.pick([2, 8, 300, 3000]);
    const length = Math.min(face.size - start, (1 + random.int(most)) * SECTOR);
    const end = start + length;
    return [...busy].some((other) => other.start < end && start < other.end) ? undefined : { start, end };
  };

  const change = async (start: number, end: number): Promise<void> => {
    const value = random.int(4) === 0 ? 0 : 1 + random.int(255);
    memory?.shadow.unsure(start, end); // until it is answered, and for good if that is an error
    if (value === 0) await face.zero(start, end - start);
    else await face.write(start, [Buffer.alloc(end - start, value)]);
    memory?.shadow.sure(start, end, value);
  };

  const look = async (start: number, end: number): Promise<void> => {
    const bytes = Buffer.alloc(end - start, 0xaa);
    await face.read(start, bytes);
    if (memory && !memory.shadow.agrees(start, bytes)) memory.onLie(`${face.name} read back otherwise at ${start}`);
  };

  const request = async (): Promise<void> => {
    const at = place();
    if (!at) return;
    busy.add(at);
    try {
      if (memory && random.int(8) === 0) await look(at.start, at.end);
      else await change(at.start, at.end);
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
