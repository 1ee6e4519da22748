import { expect, test } from "vitest";

import { DANGERS, drawSchedule } from "./dangers.ts";
import { replayLine } from "./run-schedule.ts";
import { parseSoakOptions, UsageError } from "./soak-options.ts";

test("the line that replays a schedule is read as that schedule, whatever was drawn", () => {
  for (let seed = 0; seed < 200; seed++) {
    const drawn = drawSchedule(seed);
    const [, words] = replayLine(seed, drawn).split(" soak ");
    const { schedules, dangers, simulation, seed: read } = parseSoakOptions(words!.split(" "));
    expect({ read, schedules, dangers, simulation }).toEqual({ read: seed, schedules: 1, ...drawn });
  }
});

test("a seed draws the same dangers each time, and all of them are drawn by some", () => {
  const drawn = Array.from({ length: 400 }, (_, seed) => drawSchedule(seed));
  expect(drawn).toEqual(Array.from({ length: 400 }, (_, seed) => drawSchedule(seed)));
  expect(new Set(drawn.flatMap(({ dangers }) => dangers)).size).toBe(DANGERS.length);
  expect(drawn.some(({ dangers }) => dangers.length === 0)).toBe(true);
});

test.each([
  ["--dangers", "earthquakes"],
  ["--for", "soon"],
  ["--schedules", "-1"],
  ["--simulation", "wire", "--dangers", "halfOpen"],
  ["--dangers", "lies"],
  ["--what"],
])("what cannot be meant is told: %s %s", (...words) => {
  expect(() => parseSoakOptions(words)).toThrow(UsageError);
});
