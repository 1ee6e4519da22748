import { describe, expect, test } from "vitest";

import { RULES, type Rule } from "./laws-model-rules.ts";
import type { Wire } from "./laws-model-world.ts";
import { runModel } from "./laws-model.ts";

const RUNS = 4000;
const WIRES: readonly Wire[] = [
  { acknowledges: true, connections: 1 },
  { acknowledges: true, connections: 2 },
  { acknowledges: false, connections: 1 },
];

describe("the laws, as a model", () => {
  for (const wire of WIRES) {
    test(`are enough with ${describeWire(wire)}`, () => {
      const ends = { same: 0, different: 0, never: 0 };
      for (let seed = 0; seed < RUNS; seed++) ends[runModel(seed, wire) ?? "never"] += 1;
      expect(ends.different).toBe(0);
      // A model that never ends breaks no law either.
      expect(ends.never).toBeLessThan(RUNS / 100);
    });
  }

  for (const [rule, sentence] of Object.entries(RULES)) {
    test(`are not enough without ${sentence}`, () => {
      expect(isNeeded(rule as Rule)).toBe(true);
    });
  }
});

/** Whether a run that breaks only this rule ends with a sink that differs from the source. */
function isNeeded(rule: Rule): boolean {
  for (let seed = 0; seed < RUNS; seed++) {
    if (WIRES.some((wire) => runModel(seed, wire, rule) === "different")) return true;
  }
  return false;
}

function describeWire({ acknowledges, connections }: Wire): string {
  return `${connections} connection${connections > 1 ? "s" : ""} ${acknowledges ? "and" : "without"} acknowledgements`;
}
