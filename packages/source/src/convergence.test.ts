import { describe, expect, test } from "vitest";

import { convergesByPending, convergesByReads, type ConvergenceView } from "./convergence.ts";

const view = (part: Partial<ConvergenceView>): ConvergenceView => ({
  bulkDone: true,
  pending: 0,
  dirty: 0,
  bandwidth: undefined,
  readBandwidth: undefined,
  downtimeLimit: 300,
  ...part,
});

describe.each([
  ["convergesByPending", convergesByPending],
  ["convergesByReads", convergesByReads],
])("%s", (_, rule) => {
  test("nothing completes in the bulk phase", () => {
    expect(rule(view({ bulkDone: false, bandwidth: 1e9, readBandwidth: 1e9 }))).toBe(false);
  });
  test("with nothing to send it is time, measured or not", () => {
    expect(rule(view({}))).toBe(true);
    expect(rule(view({ downtimeLimit: 0 }))).toBe(true);
  });
  test("something to send and nothing measured is not yet time", () => {
    expect(rule(view({ pending: 1, dirty: 1 }))).toBe(false);
  });
  test("the limit itself is allowed, a byte more is not", () => {
    const measured = { bandwidth: 1000, readBandwidth: 1000 };
    expect(rule(view({ pending: 300, dirty: 300, ...measured }))).toBe(true);
    expect(rule(view({ pending: 301, dirty: 301, ...measured }))).toBe(false);
  });
});

test("only the older rule leaves out what is in flight", () => {
  const inFlight = view({ pending: 5000, dirty: 0, bandwidth: 1000, readBandwidth: 1000 });
  expect(convergesByPending(inFlight)).toBe(false);
  expect(convergesByReads(inFlight)).toBe(true);
});
