import { expect, test } from "vitest";

import { createOverruns, Overrun } from "./overrun.ts";

const long = { ms: 301, limit: 300, mayGoBack: true };

test("a pause that takes too long is given up three times; then the next one goes on, which was said", () => {
  const warnings: string[] = [];
  const overruns = createOverruns("resume", (message) => warnings.push(message));
  for (let nth = 0; nth < 3; nth++) {
    const overrun = overruns.judge(long);
    expect(overrun).toBeInstanceOf(Overrun);
    overruns.count(overrun!);
  }
  expect(overruns.judge(long)).toBeUndefined();
  expect(warnings).toHaveLength(4);
  expect(warnings.at(-1)).toBe("after 3 such pauses the next one takes as long as it needs");
});

test("a pause that is to be finished, or that cannot go back, goes on, and that is said once", () => {
  for (const [rule, mayGoBack] of [
    ["finish", true],
    ["resume", false],
  ] as const) {
    const warnings: string[] = [];
    const overruns = createOverruns(rule, (message) => warnings.push(message));
    for (let nth = 0; nth < 2; nth++) expect(overruns.judge({ ...long, mayGoBack })).toBeUndefined();
    expect(warnings).toEqual(["the pause takes longer than 300 ms, and is not given up"]);
  }
});

test("where nobody could go on with anything else no pause is too long", () => {
  const overruns = createOverruns(undefined, (message) => expect.unreachable(message));
  expect(overruns.judge(long)).toBeUndefined();
});
