import { MigrationError } from "@blkmig/source";
import { expect, test } from "vitest";

import { checkLaws, type Ended } from "./check-laws.ts";

const failed = (code: "wire" | "in-doubt"): Ended["source"] => ({
  failed: new MigrationError(code, "broken", { phase: "bulk", pending: 0, guest: "running" }),
});

const well: Ended = {
  simulation: "session",
  dangers: {},
  source: { completed: { proved: true } },
  committed: true,
  sourceRecord: "moved",
  same: true,
  isExcused: false,
  guestRuns: false,
  most: { reads: { seen: 3, allowed: 3 } },
  violations: [],
};
const faulty: Ended = { ...well, dangers: { faults: true }, source: failed("wire"), committed: false, guestRuns: true };

test("a migration that went well, and one that failed with a reason, break no law", () => {
  expect(checkLaws(well)).toEqual([]);
  expect(checkLaws({ ...faulty, same: false })).toEqual([]);
  expect(checkLaws({ ...well, same: false, isExcused: true })).toEqual([]);
});

test.each<[string, Ended]>([
  ["law 4: the source says completed, and the sink has not", { ...well, committed: false }],
  ["law 4: it was committed, and the sink differs", { ...well, same: false }],
  ["law 4: completed without a proof", { ...well, source: { completed: { proved: false } } }],
  ["law 9: two owners", { ...well, guestRuns: true }],
  ["law 9: the source says that it failed, and the sink", { ...faulty, committed: true, guestRuns: false }],
  ["law 5: it failed before commit was asked for", { ...faulty, guestRuns: false }],
  ["law 5: in doubt, and the guest runs", { ...faulty, source: failed("in-doubt"), sourceRecord: "asked" }],
  ["law 5: commit was asked for, and the record says", { ...faulty, source: failed("in-doubt"), guestRuns: false }],
  ["law 9: the disk has moved, and its record says", { ...well, sourceRecord: "asked" }],
  ["law 8: 4 reads at once", { ...well, most: { reads: { seen: 4, allowed: 3 } } }],
  ["progress: nothing that excuses it", { ...faulty, dangers: { cuts: true } }],
  ["errors: it threw what is no MigrationError", { ...faulty, source: { failed: new TypeError("x") } }],
  ["seen on the way", { ...well, violations: ["seen on the way"] }],
])("it is seen that %s", (sentence, ended) => {
  expect(checkLaws(ended).some((said) => said.startsWith(sentence))).toBe(true);
});
