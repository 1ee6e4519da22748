import { expect, test } from "vitest";

import { createLastPasses } from "./last-passes.ts";

const LIMIT = 300;

test("a pass more is made while each leaves half at most of what the one before left, three times at most", () => {
  const { pays } = createLastPasses();
  expect([280, 140, 70, 35].map((restMs) => pays(restMs, LIMIT))).toEqual([true, true, true, false]);
});

test("a guest that writes steadily is not followed: the second pass left as much as the first", () => {
  const { pays } = createLastPasses();
  expect([200, 101, 99].map((restMs) => pays(restMs, LIMIT))).toEqual([true, false, true]);
});

test("what takes no time is sent in the pause", () => {
  expect(createLastPasses().pays(10, LIMIT)).toBe(false);
  expect(createLastPasses().pays(0, LIMIT)).toBe(false);
});

test("who allows a pause of more than a second gets it at once", () => {
  expect(createLastPasses().pays(900, 1001)).toBe(false);
  expect(createLastPasses().pays(900, 1000)).toBe(true);
});
