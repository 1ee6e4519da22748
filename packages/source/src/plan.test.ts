import { describe, expect, test } from "vitest";

import { type DiskView, nextStep, type View } from "./plan.ts";

const run = { offset: 0, length: 10 };
const data: DiskView = { run, busy: false, data: true };
const unknown: DiskView = { run, busy: false, data: false };
const busy: DiskView = { run, busy: true, data: false };
const swept: DiskView = { run: undefined, busy: false, data: false };
const view = (part: Partial<View>): View => ({
  phase: "bulk",
  turn: 0,
  disks: [data],
  todo: true,
  flights: 0,
  mayRead: true,
  spent: false,
  ...part,
});

describe("nextStep", () => {
  test("reads what is known to be data, asks about the rest", () => {
    expect(nextStep(view({}))).toEqual({ do: "read", disk: 0, run });
    expect(nextStep(view({ disks: [unknown] }))).toEqual({ do: "ask", disk: 0, run });
  });
  test("yields once the budget is used up, whatever is left", () => {
    expect(nextStep(view({ spent: true }))).toEqual({ do: "yield" });
  });
  test("waits while the limits allow no read, but asks on", () => {
    expect(nextStep(view({ mayRead: false }))).toEqual({ do: "settle" });
    expect(nextStep(view({ mayRead: false, disks: [unknown] }))).toEqual({ do: "ask", disk: 0, run });
  });
  test("bulk sweeps disk after disk", () => {
    expect(nextStep(view({ turn: 1, disks: [swept, data, data] }))).toEqual({ do: "read", disk: 1, run });
  });
  test("dirty passes take turns and pass over a disk that must wait", () => {
    const dirty = { phase: "dirty", disks: [data, busy, data] } as const;
    expect(nextStep(view({ ...dirty, turn: 0 }))).toMatchObject({ disk: 0 });
    expect(nextStep(view({ ...dirty, turn: 1 }))).toMatchObject({ disk: 2 });
    expect(nextStep(view({ ...dirty, turn: 2 }))).toMatchObject({ disk: 2 });
  });
  test("a unit in flight is waited for when nothing else can go", () => {
    expect(nextStep(view({ disks: [busy] }))).toEqual({ do: "settle" });
    expect(nextStep(view({ phase: "dirty", disks: [swept, busy] }))).toEqual({ do: "settle" });
  });
  test("a pass ends when all is swept; the last flights are waited for when nothing is left but they", () => {
    expect(nextStep(view({ disks: [swept], flights: 3 }))).toEqual({ do: "end-pass" });
    expect(nextStep(view({ disks: [swept], flights: 3, todo: false }))).toEqual({ do: "settle" });
    expect(nextStep(view({ disks: [swept], flights: 0, todo: false }))).toEqual({ do: "end-pass" });
    expect(nextStep(view({ disks: [] }))).toEqual({ do: "end-pass" });
  });
});
