import type { Simulation } from "./dangers.ts";
import type { Ran } from "./run-schedule.ts";

/** How many schedules have ended, how, and what struck in them. */
export interface Tally {
  add(simulation: Simulation, ran: Ran): void;
  readonly schedules: number;
  /** For one line. */
  line(seconds: number): string;
  summary(seconds: number): Summary;
}

export interface Summary {
  readonly schedules: number;
  readonly seconds: number;
  readonly simulations: Readonly<Record<string, number>>;
  readonly ended: Readonly<Record<string, number>>;
  readonly struck: Readonly<Record<string, number>>;
}

export function createTally(): Tally {
  const simulations: Record<string, number> = {};
  const ended: Record<string, number> = {};
  const struck: Record<string, number> = {};
  let schedules = 0;
  return {
    add(simulation, { how, strikes }) {
      schedules++;
      add(simulations, simulation);
      add(ended, how);
      for (const [what, times] of Object.entries(strikes)) add(struck, what, times);
    },
    get schedules() {
      return schedules;
    },
    line: (seconds) => `${seconds} s: ${schedules} schedules: ${listOf(ended)}; struck: ${listOf(struck)}`,
    summary: (seconds) => ({ schedules, seconds, simulations, ended: sorted(ended), struck: sorted(struck) }),
  };
}

function add(counts: Record<string, number>, what: string, times = 1): void {
  counts[what] = (counts[what] ?? 0) + times;
}

const sorted = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).toSorted(([, a], [, b]) => b - a));

const listOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(sorted(counts))
    .map(([what, times]) => `${what} ${times}`)
    .join(", ") || "nothing";

/** As a page can quote it. */
export function summaryText({ schedules, seconds, simulations, ended, struck }: Summary): string {
  const head = `${schedules} schedules in ${seconds} s (${listOf(simulations)})`;
  return [head, "ended:", ...columns(ended), "struck:", ...columns(struck)].join("\n");
}

const columns = (counts: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(counts).map(([what, times]) => `${String(times).padStart(9)}  ${what}`);
