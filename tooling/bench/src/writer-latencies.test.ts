import { expect, it } from "vitest";

import { createLatencies } from "./writer-latencies.ts";

const MOVE = { began: 1000, paused: 2000 };

it("tells what was written before the move from what was written in it, and leaves out the warm-up", () => {
  const latencies = createLatencies();
  latencies.add(100, 100, 190); // the warm-up
  for (let due = 500; due < 1000; due += 5) latencies.add(due, due + 1, due + 3);
  for (let due = 1000; due < 2000; due += 5) latencies.add(due, due + 2, due + 7);
  latencies.add(2000, 2000, 2040); // held by the pause
  expect(latencies.figures(500, MOVE)).toEqual({
    idleRate: 819_200,
    bulkRate: 819_200,
    p99IdleMs: 3,
    p99Ms: 7,
    p99IdleServiceMs: 2,
    p99ServiceMs: 5,
    longestMs: 40,
  });
});

it("counts what was due and never sent: a writer that is held up hides nothing", () => {
  const latencies = createLatencies();
  for (let due = 1000; due < 1090; due++) latencies.add(due, due, due + 1);
  for (let due = 1090; due < 1100; due++) latencies.addUnsent(due, 1800);
  const { p99Ms, p99ServiceMs, longestMs } = latencies.figures(500, MOVE);
  expect({ p99Ms, p99ServiceMs, longestMs }).toEqual({ p99Ms: 709, p99ServiceMs: 1, longestMs: 710 });
});

it("says 0 of what nobody wrote", () => {
  expect(createLatencies().figures(500, MOVE)).toMatchObject({ p99IdleMs: 0, p99Ms: 0, longestMs: 0, bulkRate: 0 });
});
