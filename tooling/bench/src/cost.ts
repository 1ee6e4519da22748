// What a block costs, and what has changed since it was accepted: `pnpm --filter @blkmig/bench cost`, and `--accept` to accept it.
import { parseArgs } from "node:util";

import { acceptCosts, readCostBaseline, thisNode } from "./cost-baseline.ts";
import { measureAllCosts } from "./cost-figures.ts";
import { judgeCosts } from "./cost-judge.ts";
import { printTable } from "./table.ts";

const { accept = false } = parseArgs({ options: { accept: { type: "boolean" } } }).values;
const costs = await measureAllCosts();
printTable(
  ["a block of", "bytes of heap", "bytes of buffers", "promises"],
  Object.entries(costs).map(([name, cost]) => [name, `${cost.heap}`, `${cost.buffers}`, `${cost.promises}`]),
);
if (accept) {
  acceptCosts(costs);
} else {
  const before = readCostBaseline();
  if (before.node !== thisNode) throw new Error(`what was accepted is of Node.js ${before.node}, not ${thisNode}`);
  const verdicts = judgeCosts(before.costs, costs);
  for (const verdict of verdicts) process.stderr.write(`${verdict}\n`);
  if (verdicts.length > 0) process.exitCode = 1;
}
