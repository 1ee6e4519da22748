import { MigrationError } from "@blkmig/source";
import { describe, expect, test } from "vitest";

import { type SessionDangers, type SessionOutcome, simulateSession } from "./simulate-session.ts";

const SEEDS = Number(process.env["BLKMIG_SEEDS"] ?? 90);
const FIRST = Number(process.env["BLKMIG_SEED"] ?? 0);
const seeds = Array.from({ length: SEEDS }, (_, seed) => FIRST + seed);

const describeEnd = (end: SessionOutcome["source"]): string =>
  "completed" in end ? "completed" : String(end.failed instanceof Error ? end.failed.message : end.failed);

/** The laws 3, 4, 5, 9 and 10, for however a session ended. */
function assertLaws(seed: number, outcome: SessionOutcome): void {
  const { source, sinkRecord, sourceRecord, same, guestRuns, violations } = outcome;
  const what = `seed ${seed}: source ${describeEnd(source)}, records ${sourceRecord} and ${sinkRecord}`;
  expect(violations, what).toEqual([]);
  if ("completed" in source) {
    expect(sinkRecord, what).toBe("committed");
    expect(sourceRecord, what).toBe("moved");
    expect(guestRuns, `${what}: the guest stays paused, its disk has moved`).toBe(false);
    expect(same, `${what}: the sink equals the source`).toBe(true);
    return;
  }
  expect(source.failed, what).toBeInstanceOf(MigrationError);
  const inDoubt = source.failed instanceof MigrationError && source.failed.code === "in-doubt";
  expect(guestRuns, `${what}: the guest runs unless in doubt`).toBe(!inDoubt);
  if (!inDoubt) expect(sinkRecord, `${what}: never two owners`).not.toBe("committed");
  if (inDoubt) expect(sourceRecord, what).toBe("asked");
}

describe("under random schedules a session ends with one owner, and the sink equals the source", () => {
  const survivable: readonly SessionDangers[] = [
    {},
    { cuts: true },
    { sinkDies: true },
    { sourceDies: true },
    { cuts: true, sinkDies: true, sourceDies: true },
    { restless: true, cuts: true, sinkDies: true },
    { outruns: true },
    { outruns: true, cuts: true, sinkDies: true },
  ];
  test.each(survivable)("it completes, whatever was cut or killed: %o", async (dangers) => {
    let mirrored = 0;
    const tried = dangers.outruns ? seeds.slice(0, Math.ceil(seeds.length / 3)) : seeds; // they take longer
    for (const seed of tried) {
      const outcome = await simulateSession(seed, dangers);
      expect(describeEnd(outcome.source), `seed ${seed}`).toBe("completed");
      assertLaws(seed, outcome);
      if (outcome.mirrored) mirrored++;
    }
    if (dangers.outruns) expect(mirrored).toBeGreaterThan(tried.length / 4);
  });

  test.each([
    { faults: true },
    { cancels: true },
    { handsOver: true, cuts: true, cancels: true, sinkDies: true, sourceDies: true },
    { faults: true, cuts: true, cancels: true, sinkDies: true },
  ])("with %o it completes or leaves the disk where it was", async (dangers) => {
    const tried = dangers.handsOver ? seeds.slice(0, Math.ceil(seeds.length / 2)) : seeds; // most of it is as without
    for (const seed of tried) assertLaws(seed, await simulateSession(seed + 50_000, dangers));
  });
});
