import { expect, test } from "vitest";

import { joinRuns } from "./join-runs.ts";

const runs = [
  { offset: 0, length: 10 },
  { offset: 12, length: 8 }, // gap 2
  { offset: 120, length: 10 }, // gap 100
  { offset: 131, length: 1 }, // gap 1
  { offset: 200, length: 5 }, // gap 68
];

test.each([
  [
    9,
    [
      [0, 10],
      [12, 8],
      [120, 10],
      [131, 1],
      [200, 5],
    ],
  ],
  [
    5,
    [
      [0, 10],
      [12, 8],
      [120, 10],
      [131, 1],
      [200, 5],
    ],
  ],
  [
    4,
    [
      [0, 10],
      [12, 8],
      [120, 12],
      [200, 5],
    ],
  ],
  [
    3,
    [
      [0, 20],
      [120, 12],
      [200, 5],
    ],
  ],
  [
    2,
    [
      [0, 20],
      [120, 85],
    ],
  ],
  [1, [[0, 205]]],
])("at most %i runs: the smallest gaps go first", (most, joined) => {
  expect(joinRuns(runs, most)).toEqual(joined);
});

test("no runs are none", () => {
  expect(joinRuns([], 3)).toEqual([]);
});
