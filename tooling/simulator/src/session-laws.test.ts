import { describe, expect, test } from "vitest";

import { checkLaws } from "./check-laws.ts";
import type { SessionDangers } from "./dangers.ts";
import { simulateSession } from "./simulate-session.ts";

const SEEDS = Number(process.env["BLKMIG_SEEDS"] ?? 90);
const FIRST = Number(process.env["BLKMIG_SEED"] ?? 0);
const seeds = Array.from({ length: SEEDS }, (_, seed) => FIRST + seed);

/** Runs them all; counts what struck, how many completed, and how many were mirrored. */
async function run(tried: readonly number[], dangers: SessionDangers) {
  const struck: Record<string, number> = {};
  let completed = 0;
  let mirrored = 0;
  for (const seed of tried) {
    const outcome = await simulateSession(seed, dangers);
    const { source, sourceRecord, sinkRecord } = outcome;
    const how = "completed" in source ? "completed" : String(source.failed);
    expect(checkLaws(outcome), `seed ${seed}: ${how}, records ${sourceRecord} and ${sinkRecord}`).toEqual([]);
    if ("completed" in source) completed++;
    if (outcome.mirrored) mirrored++;
    for (const [what, times] of Object.entries(outcome.strikes)) struck[what] = (struck[what] ?? 0) + times;
  }
  return { struck, completed, mirrored };
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
    const tried = dangers.outruns ? seeds.slice(0, Math.ceil(seeds.length / 3)) : seeds; // they take longer
    const { struck, completed, mirrored } = await run(tried, dangers);
    expect(completed).toBe(tried.length);
    if (dangers.outruns && dangers.cuts) expect(struck["mirror: a write was not carried"]).toBeGreaterThan(0);
    // A cut ends the mirroring that was on.
    if (dangers.outruns) expect(mirrored).toBeGreaterThan(tried.length / (dangers.cuts ? 12 : 4));
  });

  test.each<SessionDangers>([
    { faults: true },
    { cancels: true },
    { handsOver: true, cuts: true, cancels: true, sinkDies: true, sourceDies: true },
    { faults: true, cuts: true, cancels: true, sinkDies: true },
  ])("with %o it completes or leaves the disk where it was", async (dangers) => {
    const tried = dangers.handsOver ? seeds.slice(0, Math.ceil(seeds.length / 2)) : seeds; // most of it is as without
    const { struck } = await run(
      tried.map((seed) => seed + 50_000),
      dangers,
    );
    expect(Object.keys(struck)).not.toEqual([]);
  });

  test.each<[SessionDangers, readonly string[]]>([
    [{ cuts: true }, ["wire: cut", "wire: cut at a record"]],
    [{ full: true }, ["target: no-space at a write"]],
    [{ slow: true }, ["source: a request was slow", "target: a request was slow"]],
    [{ rots: true }, ["rot: a write was lost", "rot: a write was flipped", "rot: a write was misdirected"]],
    [{ shrinks: true }, ["source: short at a read"]],
    [{ delays: true }, ["wire: late"]],
    [{ hasty: true }, ["held in the bulk phase"]],
    [{ slow: true, cuts: true }, ["wire: cut"]],
    [{ slow: true, sourceDies: true }, ["target: a record was slow", "source: killed at a record of the target"]],
    [{ halfOpen: true }, ["wire: half-open"]],
    [{ flips: true }, ["wire: a bit flipped"]],
    [{ records: true }, ["source: a record could not be written", "target: a record could not be written"]],
    [{ bothDie: true }, ["source: killed", "sink: killed", "target: its host lost power"]],
  ])("with %o, which struck: %j", async (dangers, what) => {
    const tried = seeds.slice(0, Math.ceil(SEEDS / 3)).map((seed) => seed + 100_000);
    const { struck } = await run(tried, dangers);
    for (const each of what) expect(struck[each], each).toBeGreaterThan(0);
  });

  test("a program is killed in each kind of await", async () => {
    const { struck } = await run(seeds, { sinkDies: true, sourceDies: true, bothDie: true });
    const awaits = ["a read", "a write", "a flush", "a record", "the clock", "the wire"];
    for (const what of awaits) expect(struck[`sink: killed while it waited for ${what}`], what).toBeGreaterThan(0);
    for (const what of ["a read", "a write", "a record", "the clock", "the wire"])
      expect(struck[`source: killed while it waited for ${what}`], what).toBeGreaterThan(0);
  });
});
