import { expect, test } from "vitest";

import { readCostBaseline, thisNode } from "./cost-baseline.ts";
import { measureAllCosts } from "./cost-figures.ts";
import { judgeCosts } from "./cost-judge.ts";

const { node, costs } = readCostBaseline();

test.skipIf(node !== thisNode)(`a block costs what it did (on Node.js ${node})`, async () => {
  expect(judgeCosts(costs, await measureAllCosts())).toEqual([]);
});
