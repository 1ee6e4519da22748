import { MigrationError } from "@blkmig/source";

import { mustComplete, type SessionDangers, type Simulation } from "./dangers.ts";

/** How a simulated migration ended, as far as it can be seen from outside. */
export interface Ended {
  readonly simulation: Simulation;
  readonly dangers: SessionDangers;
  readonly source: { readonly completed: unknown } | { readonly failed: unknown };
  /** Whether the sink said that the disks are its own. */
  readonly committed: boolean;
  /** What the source has on record; a classic wire has none. */
  readonly sourceRecord?: string;
  /** Whether every disk is the same at both ends, after everything has settled and the sink's host has lost its power. */
  readonly same: boolean;
  /** Whether a target kept other bytes than it was given, and nobody was asked to read them back. */
  readonly isExcused: boolean;
  /** Whether the guest was answered after the end. */
  readonly guestRuns: boolean;
  /** The most that was seen at once, and what was allowed. */
  readonly most: Readonly<Record<string, Bound>>;
  /** What was seen to be wrong while it went on, as sentences. */
  readonly violations: readonly string[];
}

export interface Bound {
  readonly seen: number;
  readonly allowed: number;
}

/** Every law that was broken, as a sentence with its number; none is how it must be. */
export function checkLaws(ended: Ended): readonly string[] {
  return [
    ...ended.violations,
    ...owners(ended),
    ...equality(ended),
    ...records(ended),
    ...ending(ended),
    ...bounds(ended),
  ];
}

const isInDoubt = ({ source }: Ended): boolean =>
  "failed" in source && source.failed instanceof MigrationError && source.failed.code === "in-doubt";

/** Laws 4, 5 and 9: never two owners, and never none that could be one. */
function owners(ended: Ended): readonly string[] {
  const { source, committed, guestRuns } = ended;
  const broken: string[] = [];
  if (committed && guestRuns)
    broken.push("law 9: two owners: the sink has committed, and the guest runs at the source");
  if ("completed" in source) {
    if (!committed) broken.push("law 4: the source says completed, and the sink has not committed");
    if (guestRuns) broken.push("law 9: the guest runs on a disk that has moved");
  } else if (isInDoubt(ended)) {
    if (guestRuns) broken.push("law 5: in doubt, and the guest runs");
  } else {
    if (!guestRuns) broken.push("law 5: it failed before commit was asked for, and the guest does not run");
    if (committed) broken.push("law 9: the source says that it failed, and the sink has committed");
  }
  return broken;
}

/** Laws 1 to 4, and 11: what was committed is what the guest had, without power too. */
function equality({ committed, same, isExcused }: Ended): readonly string[] {
  return committed && !same && !isExcused ? ["law 4: it was committed, and the sink differs from the source"] : [];
}

/** Laws 5 and 9: what is on record is what happened. */
function records(ended: Ended): readonly string[] {
  const { source, sourceRecord, dangers } = ended;
  if (sourceRecord === undefined) return [];
  const isLost = dangers.records === true; // the migration says so by a warning, and the record is left as it was
  if ("completed" in source && sourceRecord !== "moved" && !isLost)
    return [`law 9: the disk has moved, and its record says '${sourceRecord}'`];
  if (isInDoubt(ended) && sourceRecord !== "asked" && !isLost)
    return [`law 5: commit was asked for, and the record says '${sourceRecord}'`];
  return [];
}

/** A failure has a reason: what went wrong explains it. */
function ending({ simulation, dangers, source }: Ended): readonly string[] {
  if ("completed" in source) {
    const { completed } = source;
    const isUnproved =
      typeof completed === "object" && completed !== null && (completed as { proved?: boolean }).proved === false;
    return isUnproved ? ["law 4: completed without a proof, over a wire that answers"] : [];
  }
  const what = source.failed instanceof Error ? source.failed.message : String(source.failed);
  if (!(source.failed instanceof MigrationError)) return [`errors: it threw what is no MigrationError: ${what}`];
  return mustComplete(simulation, dangers)
    ? [`progress: nothing that excuses it went wrong, and it failed: ${what}`]
    : [];
}

/** Law 8. */
function bounds({ most }: Ended): readonly string[] {
  return Object.entries(most)
    .filter(([, { seen, allowed }]) => seen > allowed)
    .map(([what, { seen, allowed }]) => `law 8: ${seen} ${what} at once, and ${allowed} are allowed`);
}
