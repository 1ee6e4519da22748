import { expect, it } from "vitest";

import { systemClock } from "./clock.ts";

it("sleeps no longer than its signal, that was aborted before or is aborted meanwhile", async () => {
  const before = systemClock.now();
  await systemClock.sleep(1e9, AbortSignal.abort());
  const controller = new AbortController();
  const sleep = systemClock.sleep(1e9, controller.signal);
  controller.abort();
  await sleep;
  expect(systemClock.now()).toBeGreaterThanOrEqual(before);
});
