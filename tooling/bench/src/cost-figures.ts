import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { Cost } from "./cost-round.ts";

export type Costs = Readonly<Record<string, Cost>>;

/** Each is measured by a process of its own, so that nobody else's garbage is counted. */
export type CostGroup = "parts" | "moves";

const MAIN = fileURLToPath(new URL("cost-main.ts", import.meta.url));
/**
 * A heap that holds a whole round, so that nothing is collected within it; no thread that compiles or sweeps while others run,
 * so that each run is as the one before; and our packages as they are written, not as they were built last.
 */
const FLAGS = [
  "--expose-gc",
  "--min-semi-space-size=128",
  "--max-semi-space-size=128",
  "--initial-old-space-size=1024",
  "--no-memory-reducer",
  "--single-threaded",
  "--conditions=blkmig-source",
];

/** What every job costs now, by this Node.js. */
export async function measureAllCosts(): Promise<Costs> {
  const [parts, moves] = await Promise.all([costsOf("parts"), costsOf("moves")]);
  return { ...parts, ...moves };
}

async function costsOf(group: CostGroup): Promise<Costs> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, MAIN, group]);
  return JSON.parse(stdout) as Costs;
}
