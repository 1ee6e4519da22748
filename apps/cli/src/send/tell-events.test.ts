import type { Statistics } from "@blkmig/source";
import { expect, it } from "vitest";

import type { Fields } from "../output/json-lines.ts";
import type { Progress } from "../output/progress.ts";
import { tellTo } from "./tell-events.ts";

const STATISTICS: Statistics = {
  status: "active",
  phase: "dirty",
  transferred: 5,
  acknowledged: 5,
  remaining: 0,
  toVerify: 0,
  total: 4096,
  dirtySyncCount: 1,
  dirtyRate: 0,
  bandwidth: 1,
  expectedDowntime: undefined,
  downtime: undefined,
  reconnects: 0,
  verified: 0,
  setupTime: 1,
  totalTime: 2,
  disks: [],
  throttle: undefined,
  mirroring: false,
};

it("of a machine that moves beside its disks the memory is told with them, to people and to scripts", () => {
  const told: [Progress, Fields][] = [];
  let memory: { transferred: number; remaining: number; total: number } | undefined;
  const ignore = (): void => {};
  const output = {
    say: ignore,
    warn: ignore,
    event: ignore,
    progress: (...both: [Progress, Fields]) => told.push(both),
  };
  const tell = tellTo(output, () => memory);
  tell({ type: "status", statistics: STATISTICS });
  memory = { transferred: 1, remaining: 2, total: 3 };
  tell({ type: "status", statistics: STATISTICS });
  expect(told.map(([progress, status]) => [progress.memory, status["ram"]])).toEqual([
    [undefined, undefined],
    [memory, memory],
  ]);
});
