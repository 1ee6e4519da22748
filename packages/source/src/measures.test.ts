import { expect, test } from "vitest";

import { createMeasures } from "./measures.ts";

/** What is done after each of these passes, by what it left; at 6400 bytes a second. */
function stepsAfter(allowed: { throttle: boolean; mirror: boolean }, ...left: readonly number[]): string[] {
  const measures = createMeasures(allowed);
  return left.map((bytes) => {
    const measure = measures.afterPass(bytes, 6400);
    return measure.do === "throttle" ? `throttle ${measure.bytesPerSecond}` : measure.do;
  });
}

const GO_ON = "go-on";
const throttle = { throttle: true, mirror: false };
const mirror = { throttle: false, mirror: true };
const both = { throttle: true, mirror: true };
const neither = { throttle: false, mirror: false };

test.each([
  ["passes that pay go on", both, [1024, 768, 576, 432], [GO_ON, GO_ON, GO_ON, GO_ON]],
  ["the first pass cannot fail to pay", both, [1000], [GO_ON]],
  ["one that does not pay is forgiven", both, [1000, 751, 563, 400], [GO_ON, GO_ON, GO_ON, GO_ON]],
  ["two in a row are not", throttle, [1000, 751, 750], [GO_ON, GO_ON, "throttle 3200"]],
  [
    "each throttle is as patient",
    throttle,
    [1, 1, 1, 1, 1, 1, 1, 1, 1],
    [GO_ON, GO_ON, "throttle 3200", GO_ON, "throttle 1600", GO_ON, "throttle 400", GO_ON, "throttle 100"],
  ],
  ["mirroring where throttling is not allowed", mirror, [1, 1, 1, 1, 1], [GO_ON, GO_ON, "mirror", GO_ON, GO_ON]],
  ["despair is said once", neither, [1, 1, 1, 1, 1, 1, 1], [GO_ON, GO_ON, "despair", GO_ON, GO_ON, GO_ON, GO_ON]],
] as const)("%s", (_, allowed, left, steps) => {
  expect(stepsAfter(allowed, ...left)).toEqual(steps);
});

test.each([
  [both, "mirror"],
  [throttle, "despair"],
])("behind the last throttle, with %o, comes what is left: %s, once", (allowed, last) => {
  const steps = stepsAfter(allowed, ...Array.from({ length: 20 }, () => 1)).filter((step) => step !== GO_ON);
  expect(steps.map((step) => step.split(" ")[0])).toEqual(["throttle", "throttle", "throttle", "throttle", last]);
});

test("where no bandwidth is measured yet nothing is done, and then at once", () => {
  const measures = createMeasures(throttle);
  for (let pass = 0; pass < 5; pass++) expect(measures.afterPass(1, undefined)).toEqual({ do: GO_ON });
  expect(measures.afterPass(1, 1)).toEqual({ do: "throttle", bytesPerSecond: 1 }); // never none at all
});

test("after a reset it begins again", () => {
  const measures = createMeasures(both);
  for (let pass = 0; pass < 20; pass++) measures.afterPass(1, 6400);
  measures.reset();
  expect(measures.afterPass(1, 6400)).toEqual({ do: GO_ON });
  measures.afterPass(1, 6400);
  expect(measures.afterPass(1, 6400)).toEqual({ do: "throttle", bytesPerSecond: 3200 });
});
