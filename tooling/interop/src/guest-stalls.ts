import type { Journal } from "./journal.ts";

/** How long a guest's writes took, each with its fsync. All in milliseconds, by the guest's clock. */
export interface Stalls {
  readonly writes: number;
  readonly median: number;
  readonly longest: number;
}

/** What guest-live.sh has measured, from this line of its console on. */
export function stallsSince(serial: Journal<string>, line = 0): Stalls {
  const took = serial.entries
    .slice(line)
    .flatMap((text) => (/^took \d+$/.test(text) ? [Number(text.slice("took ".length)) / 1000] : []))
    .toSorted((one, other) => one - other);
  return { writes: took.length, median: took[took.length >> 1] ?? 0, longest: took.at(-1) ?? 0 };
}
