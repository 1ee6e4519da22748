import { MigrationError } from "@blkmig/source";

import { checkLaws } from "./check-laws.ts";
import { type DangerName, dangersOf, type Schedule } from "./dangers.ts";
import { simulateSession } from "./simulate-session.ts";
import { simulate } from "./simulate.ts";

/** What became of one schedule. */
export interface Ran {
  /** `completed`, `in-doubt`, or the code of the error that ended it; `broken` if a law was. */
  readonly how: string;
  /** The laws that were broken, as sentences. */
  readonly violations: readonly string[];
  readonly strikes: Readonly<Record<string, number>>;
}

/** Runs a schedule to its end, whatever that is: a throw and a livelock are violations too. */
export async function runSchedule(seed: number, { simulation, dangers }: Schedule): Promise<Ran> {
  try {
    const outcome =
      simulation === "wire"
        ? await simulate(seed, dangersOf(dangers))
        : await simulateSession(seed, dangersOf(dangers));
    const violations = checkLaws(outcome);
    const { source, strikes } = outcome;
    const ended = "completed" in source ? "completed" : codeOf(source.failed);
    return { how: violations.length > 0 ? "broken" : ended, violations, strikes };
  } catch (error) {
    return { how: "broken", violations: [`it did not end: ${sentenceOf(error)}`], strikes: {} };
  }
}

/** The one line that runs it again. */
export function replayLine(seed: number, { simulation, dangers }: Schedule): string {
  const names: readonly (DangerName | "none")[] = dangers.length > 0 ? dangers : ["none"];
  const options = `--seed ${seed} --simulation ${simulation} --dangers ${names.join(",")}`;
  return `replay: pnpm --filter @blkmig/simulator soak ${options}`;
}

const codeOf = (failed: unknown): string => (failed instanceof MigrationError ? failed.code : "another error");

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
