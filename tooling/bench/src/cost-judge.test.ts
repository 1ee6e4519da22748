import { expect, test } from "vitest";

import { ACCEPT, judgeCosts } from "./cost-judge.ts";

const before = { "a frame": { heap: 10_000, buffers: 64, promises: 92 } };
const judged = (change: { heap?: number; buffers?: number; promises?: number }): readonly string[] =>
  judgeCosts(before, { "a frame": { ...before["a frame"], ...change } });

test("what costs about what it did is let be", () => {
  expect(judged({})).toEqual([]);
  expect(judged({ heap: 11_500, buffers: 300, promises: 92.4 })).toEqual([]);
  expect(judged({ heap: 7000, buffers: 0, promises: 91.6 })).toEqual([]);
});

test("what grew is told, with figures and with what accepts them", () => {
  expect(judged({ heap: 11_600 })).toEqual([
    `a frame: it grew from 10000 to 11600 bytes of heap a block; if that is worth it, accept it: ${ACCEPT}`,
  ]);
  expect(judged({ buffers: 64 + 1024 })).toEqual([expect.stringContaining("grew from 64 to 1088 bytes of buffers")]);
});

test("one promise more is one too many", () => {
  expect(judged({ promises: 93 })).toEqual([expect.stringContaining("grew from 92 to 93 promises")]);
});

test("a gain is to be kept", () => {
  expect(judged({ heap: 6000 })).toEqual([
    `a frame: it fell from 10000 to 6000 bytes of heap a block; keep that, accept it: ${ACCEPT}`,
  ]);
  expect(judged({ promises: 91 })).toEqual([expect.stringContaining("fell from 92 to 91 promises")]);
});

test("a job without a baseline is told, and a baseline without a job", () => {
  expect(judgeCosts({}, before)).toEqual([expect.stringContaining("nothing is known of what it cost before")]);
  expect(judgeCosts(before, {})).toEqual([expect.stringContaining("nobody measures it")]);
});
