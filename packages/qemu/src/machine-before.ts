import type { Mark } from "./live-contract.ts";

/** What the source of a machine's move was like, as far as it was changed: what is put back at the end, by whoever is there then. */
export interface Before {
  /** Capabilities of QEMU's that were off, and are switched on. */
  readonly switched: readonly Capability[];
  /** QEMU's own limit, milliseconds; undefined where it did not say. */
  readonly downtimeLimit: number | undefined;
}

/** Those that a move needs at its source, by the letters of the mark. */
const LETTERS = { r: "return-path", p: "pause-before-switchover", e: "events" } as const;
export type Capability = (typeof LETTERS)[keyof typeof LETTERS];
export const NEEDED: readonly Capability[] = Object.values(LETTERS);

const MARK = /^before-(?<letters>[rpe]*)-(?<limit>\d*)$/u;

/**
 * The mark that says it: a QEMU that pauses before each switchover, after whoever asked for that was killed, would stop the guest in the
 * midst of a later migration of somebody else's, and wait for ever.
 */
export function markOf({ switched, downtimeLimit }: Before): Mark {
  const letters = Object.entries(LETTERS).flatMap(([letter, capability]) =>
    switched.includes(capability) ? [letter] : [],
  );
  return `before-${letters.join("")}-${downtimeLimit ?? ""}`;
}

/** Undefined for a mark that says something else. */
export function beforeOf(mark: string): Before | undefined {
  const { letters, limit } = MARK.exec(mark)?.groups ?? {};
  if (letters === undefined || limit === undefined) return undefined;
  const switched = [...letters.matchAll(/./gu)].map(([letter]) => LETTERS[letter as keyof typeof LETTERS]);
  return { switched, downtimeLimit: limit === "" ? undefined : Number(limit) };
}
