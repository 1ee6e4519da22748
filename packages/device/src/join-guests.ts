import { throwFailures } from "./join-errors.ts";
import type { Guest, Mirror } from "./tracking.ts";

type Throttled = Guest & Required<Pick<Guest, "throttle">>;
type Mirrored = Guest & Required<Pick<Guest, "mirror">>;

/**
 * Several guests, of one disk each, as one. All are told to pause at once; if one will not, those that did are resumed and
 * the pause fails, or says "not-yet" if that is what they say. Resuming goes in reverse order and reaches all, whoever fails.
 *
 * It can throttle, and mirror, if all of them can. Each has an equal share of the rate, so that together they keep it;
 * the nth guest's writes are mirrored as disk n.
 */
export function joinGuests(guests: readonly Guest[]): Guest {
  return {
    async pause() {
      const outcomes = await Promise.allSettled(guests.map((guest) => guest.pause()));
      if (outcomes.every(isHeld)) return;
      const held = guests.filter((_, nth) => isHeld(outcomes[nth]!));
      throwFailures([...outcomes, ...(await resumeAll(held))], "some guests would not pause");
      return "not-yet";
    },
    async resume() {
      throwFailures(await resumeAll(guests), "some guests would not resume");
    },
    ...(guests.every(canThrottle) && { throttle: (rate) => throttleAll(guests, rate) }),
    ...(guests.every(canMirror) && { mirror: (mirror) => mirrorAll(guests, mirror) }),
  };
}

function isHeld(outcome: PromiseSettledResult<void | "not-yet">): boolean {
  return outcome.status === "fulfilled" && outcome.value !== "not-yet";
}

function canThrottle(guest: Guest): guest is Throttled {
  return guest.throttle !== undefined;
}

function canMirror(guest: Guest): guest is Mirrored {
  return guest.mirror !== undefined;
}

function throttleAll(guests: readonly Throttled[], bytesPerSecond: number | undefined): void {
  const share = bytesPerSecond === undefined ? undefined : bytesPerSecond / guests.length;
  for (const guest of guests) guest.throttle(share);
}

function mirrorAll(guests: readonly Mirrored[], mirror: Mirror | undefined): void {
  for (const [nth, guest] of guests.entries()) guest.mirror(mirror && asDisk(nth, mirror));
}

function asDisk(nth: number, mirror: Mirror): Mirror {
  return { begin: (_disk, offset, length) => mirror.begin(nth, offset, length) };
}

async function resumeAll(guests: readonly Guest[]): Promise<PromiseSettledResult<void>[]> {
  const outcomes: PromiseSettledResult<void>[] = [];
  for (const guest of guests.toReversed()) {
    outcomes.push(...(await Promise.allSettled([guest.resume()])));
  }
  return outcomes;
}
