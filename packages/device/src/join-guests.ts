import { throwFailures } from "./join-errors.ts";
import type { Guest } from "./tracking.ts";

/**
 * Several guests as one. All are told to pause at once; if one will not, those that did are resumed and the pause fails.
 * Resuming goes in reverse order and reaches all, whoever fails.
 */
export function joinGuests(guests: readonly Guest[]): Guest {
  return {
    async pause() {
      const outcomes = await Promise.allSettled(guests.map((guest) => guest.pause()));
      if (outcomes.every((outcome) => outcome.status === "fulfilled")) return;
      const paused = guests.filter((_, nth) => outcomes[nth]?.status === "fulfilled");
      throwFailures([...outcomes, ...(await resumeAll(paused))], "some guests would not pause");
    },
    async resume() {
      throwFailures(await resumeAll(guests), "some guests would not resume");
    },
  };
}

async function resumeAll(guests: readonly Guest[]): Promise<PromiseSettledResult<void>[]> {
  const outcomes: PromiseSettledResult<void>[] = [];
  for (const guest of guests.toReversed()) {
    outcomes.push(...(await Promise.allSettled([guest.resume()])));
  }
  return outcomes;
}
