import { startTirelessGuest, type TirelessGuest } from "./live-kills-guest.test-kit.ts";
import type { Plan } from "./live-kills-plan.test-kit.ts";
import { RECORD_BYTES } from "./live/checked-writes.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";

/** Bytes, of each disk. */
export const SIZE: number = 8 * MIB;
const RUN = 8;
const RUNS = 8;
/** At most on one disk. */
const GUESTS = 3;

/** Of all guests: few, in few granules, so that the same ones are written again and again, and slow wires come to an end. */
export const guestSlots: ReadonlySet<number> = new Set(
  Array.from({ length: GUESTS }, (_, part) => slotsOf(part)).flat(),
);

export interface Guests {
  /** Of the old server. */
  readonly guests: readonly TirelessGuest[];
  /** At the new owner's address from the beginning. */
  readonly early: TirelessGuest | undefined;
  guestsOf(disk: string): readonly TirelessGuest[];
  /** The disks are at their new owner: the old server's guests were told so. */
  turnAll(): void;
}

export function startGuests(
  { seed, disks, second, early }: Plan,
  urls: (disk: string) => { readonly old: string; readonly owner: string },
): Guests {
  const start = (url: string, part: number): TirelessGuest =>
    startTirelessGuest({
      url,
      slots: slotsOf(part),
      seed: seed * GUESTS + part,
      writers: 2 + (seed % 3),
      pause: seed % 4,
    });
  const [first] = disks;
  const theirs = disks.map((disk) => ({ disk, guest: start(urls(disk).old, 0) }));
  if (second) theirs.push({ disk: first!, guest: start(urls(first!).old, 1) });
  const waiting = early ? start(urls(first!).owner, 2) : undefined;
  return {
    guests: theirs.map(({ guest }) => guest),
    early: waiting,
    guestsOf: (disk) => [
      ...theirs.filter((each) => each.disk === disk).map(({ guest }) => guest),
      ...(waiting && disk === first ? [waiting] : []),
    ],
    turnAll() {
      for (const { disk, guest } of theirs) guest.turnTo(urls(disk).owner);
    },
  };
}

function slotsOf(part: number): readonly number[] {
  const apart = SIZE / RECORD_BYTES / RUNS;
  return Array.from({ length: RUNS * RUN }, (_, at) => Math.floor(at / RUN) * apart + part * RUN + (at % RUN));
}
