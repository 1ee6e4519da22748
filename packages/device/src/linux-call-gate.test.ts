import { expect, test } from "vitest";

import { createCallGate } from "./linux-call-gate.ts";

test("no more calls run at once than it is wide, in the order in which they came, failed ones too", async () => {
  const gate = createCallGate(3);
  const begun: number[] = [];
  let under = 0;
  let most = 0;
  const call = (nth: number) =>
    gate(async () => {
      begun.push(nth);
      most = Math.max(most, (under += 1));
      await new Promise((resolve) => void setImmediate(resolve));
      under -= 1;
      if (nth % 4 === 0) throw new Error("no");
      return nth;
    });
  const settled = await Promise.allSettled(Array.from({ length: 20 }, async (_, nth) => call(nth)));
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, nth) => nth));
  expect(settled.map(({ status }) => status === "rejected")).toEqual(begun.map((nth) => nth % 4 === 0));
});
