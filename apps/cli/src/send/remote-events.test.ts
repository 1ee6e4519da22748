import { expect, it } from "vitest";

import { STATISTICS } from "../control/fake-live-server.test-kit.ts";
import type { Output } from "../output/output.ts";
import type { Progress } from "../output/progress.ts";
import { statusFields } from "./describe-statistics.ts";
import { remoteTeller } from "./remote-events.ts";

it("what a server tells is told as a migration of this process's own", () => {
  const told: unknown[] = [];
  const output: Output = {
    say: (text) => told.push(["say", text]),
    warn: (text) => told.push(["warn", text]),
    event: (event, fields) => told.push([event, fields]),
    progress: (progress: Progress, status) => told.push([progress, status]),
    ended: () => {},
    endProgress: () => {},
    debug: () => {},
    flush: async () => {},
  };
  const tell = remoteTeller(output);
  const status = JSON.parse(JSON.stringify(statusFields(STATISTICS))) as Readonly<Record<string, unknown>>;
  tell("say", { message: "one" });
  tell("warning", { message: "two" });
  tell("status", status);
  tell("status", { phase: "odd" });
  tell("pass", status);
  const { phase, total, remaining, dirtyRate } = STATISTICS;
  expect(told).toEqual([
    ["say", "one"],
    ["warn", "two"],
    [expect.objectContaining({ phase, total, done: total - remaining, pass: 1, dirtyRate, toVerify: 0 }), status],
    ["status", { phase: "odd" }],
    ["pass", status],
  ]);
});
