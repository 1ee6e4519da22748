import type { Extent } from "@blkmig/device";

/** What a run of whole units is. */
type Kind = "data" | "zero" | "skip";

export interface Classified {
  readonly kind: Kind;
  /** Bytes, whole units from the run's start, or to its end. */
  readonly length: number;
}

export interface ClassifyRules {
  /** Bytes. */
  readonly unit: number;
  /** Whether zeroes have a frame of their own; otherwise they are data. */
  readonly zeroes: boolean;
  /** Whether what is not allocated above a shared base is skipped. */
  readonly skip: boolean;
}

/**
 * What the first units of a run are, and how many are the same. A unit that is part one thing and part another is data.
 */
export async function classifyRun(
  extents: AsyncIterable<Extent>,
  run: { readonly offset: number; readonly length: number },
  rules: ClassifyRules,
): Promise<Classified> {
  const { unit } = rules;
  const end = run.offset + run.length;
  let kind: Kind | undefined;
  let same = run.offset;
  for await (const extent of extents) {
    const next = kindOf(extent, rules);
    if (kind !== undefined && next !== kind) break;
    kind = next;
    same = extent.offset + extent.length;
  }
  if (kind === undefined) return { kind: "data", length: run.length };
  if (kind === "data") return { kind, length: Math.min(roundUp(same, unit), end) - run.offset };
  const whole = same >= end ? end : roundDown(same, unit);
  if (whole > run.offset) return { kind, length: whole - run.offset };
  return { kind: "data", length: Math.min(unit, run.length) };
}

function kindOf(extent: Extent, { skip, zeroes }: ClassifyRules): Kind {
  if (skip && !extent.allocated) return "skip";
  return zeroes && extent.zero ? "zero" : "data";
}

const roundDown = (offset: number, unit: number): number => offset - (offset % unit);
const roundUp = (offset: number, unit: number): number => roundDown(offset + unit - 1, unit);
