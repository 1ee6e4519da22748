import { parseArgs } from "node:util";

import { DANGERS, type DangerName, SESSION_DANGERS, type Simulation, WIRE_DANGERS } from "./dangers.ts";

/** What was asked for on the command line. */
export interface SoakOptions {
  readonly help: boolean;
  /** Milliseconds. */
  readonly forMs: number;
  readonly schedules: number;
  /** The first seed; each schedule has the next one. */
  readonly seed: number;
  /** Undefined: each seed draws its own. */
  readonly dangers: readonly DangerName[] | undefined;
  readonly simulation: Simulation | undefined;
  /** A file for the summary. */
  readonly json: string | undefined;
  readonly keepGoing: boolean;
}

/** The caller asked for something that there is not: the message is for people. */
export class UsageError extends Error {}

export const HELP = `Usage: pnpm --filter @blkmig/simulator soak [options]

Runs whole migrations in virtual time, each decided by its seed, and checks the laws after each. Ends with 1 at the first that is broken.

  --for TIME            for so long: 90s, 10m, 2h (default 1m, or as many schedules as were asked for)
  --schedules N         so many; of --seed alone, one
  --seed N              the first seed (default: of the time of day)
  --simulation NAME     wire or session (default: drawn from each seed)
  --dangers LIST        what goes wrong in all of them, or none (default: drawn from each seed)
                        wire: ${WIRE_DANGERS.join(", ")}
                        session: ${SESSION_DANGERS.join(", ")}
  --json FILE           write the summary there too
  --keep-going          do not end at the first that is broken
  --help
`;

/** Throws a `UsageError` for what cannot be meant. */
export function parseSoakOptions(words: readonly string[]): SoakOptions {
  const values = parsed(words);
  const isOne = values.seed !== undefined && values.for === undefined && values.schedules === undefined;
  const dangers = values.dangers === undefined ? undefined : dangersFrom(values.dangers);
  const simulation = simulationFrom(values.simulation, dangers);
  return {
    help: values.help,
    forMs:
      values.for === undefined ? (values.schedules === undefined && !isOne ? 60_000 : Infinity) : msFrom(values.for),
    schedules: isOne ? 1 : wholeFrom("--schedules", values.schedules, Infinity),
    seed: wholeFrom("--seed", values.seed, Date.now() % 1_000_000_000),
    dangers,
    simulation,
    json: values.json,
    keepGoing: values["keep-going"],
  };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: words.filter((word) => word !== "--"), // pnpm passes it on
      options: {
        help: { type: "boolean", default: false },
        for: { type: "string" },
        schedules: { type: "string" },
        seed: { type: "string" },
        dangers: { type: "string" },
        simulation: { type: "string" },
        json: { type: "string" },
        "keep-going": { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function dangersFrom(word: string): readonly DangerName[] {
  if (word === "none") return [];
  const names = word.split(",");
  const unknown = names.find((name) => !DANGERS.some((known) => known === name));
  if (unknown !== undefined) throw new UsageError(`--dangers knows ${DANGERS.join(", ")}, not '${unknown}'`);
  return DANGERS.filter((known) => names.includes(known));
}

/** Dangers that are said are those of a session, unless somebody says otherwise. */
function simulationFrom(word: string | undefined, dangers: readonly DangerName[] | undefined): Simulation | undefined {
  if (word !== undefined && word !== "wire" && word !== "session")
    throw new UsageError(`--simulation is wire or session, not '${word}'`);
  const foreign = dangers?.find((name) => !WIRE_DANGERS.some((known) => known === name));
  if (word === "wire" && foreign !== undefined) throw new UsageError(`'${foreign}' is a danger of sessions only`);
  const ofAWire = dangers?.find((name) => !SESSION_DANGERS.some((known) => known === name));
  if (word !== "wire" && ofAWire !== undefined)
    throw new UsageError(`'${ofAWire}' is a danger of a classic wire: --simulation wire`);
  return word ?? (dangers === undefined ? undefined : "session");
}

function msFrom(word: string): number {
  const match = /^(\d+)(s|m|h)$/u.exec(word);
  if (!match) throw new UsageError(`--for takes a time such as 90s, 10m or 2h, not '${word}'`);
  return Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[match[2] as "s" | "m" | "h"];
}

function wholeFrom(option: string, word: string | undefined, otherwise: number): number {
  if (word === undefined) return otherwise;
  if (!/^\d+$/u.test(word)) throw new UsageError(`${option} takes a whole number, not '${word}'`);
  return Number(word);
}
