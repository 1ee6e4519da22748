import { readFileSync, writeFileSync } from "node:fs";

import type { Costs } from "./cost-figures.ts";

/** What was accepted. Each major version of Node.js compiles and allocates in its own way: figures are of one of them. */
export interface CostBaseline {
  readonly node: number;
  readonly costs: Costs;
}

const FILE = new URL("cost-baseline.json", import.meta.url);

export const thisNode: number = Number.parseInt(process.versions.node, 10);

export function readCostBaseline(): CostBaseline {
  return JSON.parse(readFileSync(FILE, "utf8")) as CostBaseline;
}

export function acceptCosts(costs: Costs): void {
  writeFileSync(FILE, `${JSON.stringify({ node: thisNode, costs } satisfies CostBaseline, null, 2)}\n`);
}
