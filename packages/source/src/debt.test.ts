import { expect, test } from "vitest";

import { createDebt } from "./debt.ts";

test("time in which nothing is asked for is not held against a peer, and what is of use settles it", () => {
  let now = 0;
  const debt = createDebt({ now: () => now });
  now += 3_600_000;
  debt.owe();
  now += 50;
  debt.owe();
  now += 50;
  expect(debt.owed).toBe(100);
  debt.pay(2);
  now += 1000;
  expect(debt.owed).toBe(100);
  debt.owe();
  now += 7;
  expect(debt.owed).toBe(107);
  debt.forgive();
  now += 3;
  expect(debt.owed).toBe(3);
});
