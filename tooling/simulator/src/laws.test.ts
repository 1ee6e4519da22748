import { MigrationError } from "@blkmig/source";
import { describe, expect, test } from "vitest";

import { type Outcome, simulate } from "./simulate.ts";

const SEEDS = Number(process.env["BLKMIG_SEEDS"] ?? 240);
const seeds = Array.from({ length: SEEDS }, (_, seed) => seed);

const describeEnd = (end: { completed: unknown } | { failed: unknown }): string =>
  "completed" in end ? "completed" : String(end.failed);

/** The laws 3, 4 and 5, for however a migration ended. */
function assertLaws(seed: number, outcome: Outcome): void {
  const { source, sink, same, guestRuns } = outcome;
  const what = `seed ${seed}: source ${describeEnd(source)}, sink ${describeEnd(sink)}`;
  if ("completed" in source) {
    expect(source.completed.proved, `${what}: proved`).toBe(true);
    expect("completed" in sink, `${what}: both completed`).toBe(true);
    expect(guestRuns, `${what}: the guest stays paused, its disk has moved`).toBe(false);
  } else {
    expect(source.failed, what).toBeInstanceOf(MigrationError);
    const inDoubt = source.failed instanceof MigrationError && source.failed.code === "in-doubt";
    expect(guestRuns, `${what}: the guest runs unless in doubt`).toBe(!inDoubt);
    if (!inDoubt) expect("completed" in sink, `${what}: never two owners`).toBe(false);
  }
  if ("completed" in sink) expect(same, `${what}: the sink equals the source`).toBe(true);
}

describe("under random schedules the sink equals the source, or nobody says completed", () => {
  test("when nothing goes wrong, everything completes", async () => {
    for (const seed of seeds) {
      const outcome = await simulate(seed);
      expect(describeEnd(outcome.source), `seed ${seed}: sink ${describeEnd(outcome.sink)}`).toBe("completed");
      assertLaws(seed, outcome);
    }
  });

  for (const dangers of [{ faults: true }, { cuts: true }, { cancels: true }, { faults: true, cuts: true }]) {
    test(`with ${Object.keys(dangers).join(" and ")}`, async () => {
      for (const seed of seeds) assertLaws(seed, await simulate(seed + 10_000, dangers));
    });
  }
});
