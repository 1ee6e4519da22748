import type { Clock } from "@blkmig/device";

const STEP_MS = 20;

/**
 * Looks again and again until there is something to see; undefined when the time is over. What was begun before this process came may
 * have had its event before, too: so nobody waits for events here.
 */
export async function lookUntil<T>(
  clock: Clock,
  limitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = clock.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (clock.now() >= end) return undefined;
    await clock.sleep(STEP_MS);
  }
}
