// Measures one group of jobs, and prints what each costs, as one line of JSON: `node … src/cost-main.ts parts`.
import { classicCodecCosts, sessionCodecCosts } from "./cost-codecs.ts";
import { diskCosts } from "./cost-disks.ts";
import type { CostGroup } from "./cost-figures.ts";
import type { CostJob } from "./cost-job.ts";
import { measureCost } from "./cost-measure.ts";
import { moveCosts } from "./cost-moves.ts";
import type { Cost } from "./cost-round.ts";

const GROUPS: Readonly<Record<CostGroup, () => readonly CostJob[]>> = {
  parts: () => [...sessionCodecCosts(), ...classicCodecCosts(), ...diskCosts()],
  moves: moveCosts,
};

const costs: Record<string, Cost> = {};
for (const job of GROUPS[process.argv[2] as CostGroup]()) costs[job.name] = await measureCost(job);
process.stdout.write(`${JSON.stringify(costs)}\n`);
