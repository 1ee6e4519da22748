import { describe, expect, test } from "vitest";

import { checkLaws } from "./check-laws.ts";
import type { Dangers } from "./dangers.ts";
import { simulate } from "./simulate.ts";

const SEEDS = Number(process.env["BLKMIG_SEEDS"] ?? 240);
const seeds = Array.from({ length: SEEDS }, (_, seed) => seed);

/** Runs them all, and says what struck and how they ended. */
async function run(tried: readonly number[], dangers: Dangers) {
  const struck: Record<string, number> = {};
  let completed = 0;
  for (const seed of tried) {
    const outcome = await simulate(seed, dangers);
    expect(checkLaws(outcome), `seed ${seed}: ${JSON.stringify(dangers)}`).toEqual([]);
    if ("completed" in outcome.source) completed++;
    for (const [what, times] of Object.entries(outcome.strikes)) struck[what] = (struck[what] ?? 0) + times;
  }
  return { struck, completed };
}

describe("under random schedules the sink equals the source, or nobody says completed", () => {
  test("when nothing goes wrong, everything completes", async () => {
    const { struck, completed } = await run(seeds, {});
    expect(struck).toEqual({});
    expect(completed).toBe(seeds.length);
  });

  for (const dangers of [{ faults: true }, { cuts: true }, { cancels: true }, { faults: true, cuts: true }]) {
    test(`with ${Object.keys(dangers).join(" and ")}`, async () => {
      const { struck } = await run(
        seeds.map((seed) => seed + 10_000),
        dangers,
      );
      expect(Object.keys(struck)).not.toEqual([]);
    });
  }

  test.each<[Dangers, string]>([
    [{ full: true }, "target: no-space at a write"],
    [{ slow: true }, "source: a request was slow"],
    [{ rots: true }, "rot: a write was lost"],
    [{ shrinks: true }, "source: short at a read"],
    [{ shrinks: true }, "target: too small"],
    [{ delays: true }, "wire: late"],
    [{ hasty: true }, "held in the bulk phase"],
    [{ lies: true }, "wire: a lie"],
  ])("with %o, which struck: %s", async (dangers, what) => {
    const { struck } = await run(seeds.slice(0, Math.ceil(SEEDS / 3)), dangers);
    expect(struck[what]).toBeGreaterThan(0);
  });
});
