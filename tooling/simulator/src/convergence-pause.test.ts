import { convergesByPending } from "@blkmig/source";
import { expect, test } from "vitest";

import { bytesOf, warningsOf } from "./paced-figures.ts";
import { runPacedSession } from "./paced-session.ts";

const wire = { bytesPerSecond: 100_000_000, latencyMs: 1 };
const OVERRUN = "the pause would have taken longer than 300 ms (300 ms so far): the guest goes on for now";

test("a sink that flushes for longer than the limit is tried three times; the guest waits no longer than the limit for each", async () => {
  const ended = await runPacedSession({ wire, guestRate: 100_000, sinkDisk: { flushMs: 500 } });
  expect(ended.end).not.toBeInstanceOf(Error);
  expect(ended.same).toBe(true);
  const pauses = ended.control.filter(({ what }) => what === "pause");
  const resumes = ended.control.filter(({ what }) => what === "resume");
  expect(resumes.map(({ at }, nth) => Math.round(at - pauses[nth]!.at))).toEqual([300, 300, 300]);
  expect(pauses).toHaveLength(4);
  const warnings = warningsOf(ended);
  expect(warnings.filter((warning) => warning === OVERRUN)).toHaveLength(3);
  expect(warnings.at(-1)).toBe("after 3 such pauses the next one takes as long as it needs");
  const alone = warnings.filter((warning) => warning.includes("the receiver's flush and the round trips alone"));
  expect(alone).toEqual([expect.stringMatching(/take 5\d\d ms of a downtime limit of 300 ms/)]);
});

test("a pause that is not to be given up takes as long as it needs, and is warned of once", async () => {
  const migration = { overrun: "finish" } as const;
  const ended = await runPacedSession({ wire, migration, guestRate: 100_000, sinkDisk: { flushMs: 500 } });
  expect(ended.end).not.toBeInstanceOf(Error);
  expect(ended.same).toBe(true);
  expect(ended.control.filter(({ what }) => what === "pause" || what === "resume")).toHaveLength(1);
  const long = warningsOf(ended).filter((warning) => warning.includes("the pause"));
  expect(long).toEqual(["the pause takes longer than 300 ms, and is not given up"]);
});

test("the downtime is counted from the pause that succeeded to the sink's decision", async () => {
  const ended = await runPacedSession({ wire, guestRate: 100_000, sinkDisk: { flushMs: 500 } });
  const paused = ended.control.findLast(({ what }) => what === "pause")!.at;
  const { downtime } = ended.migration.statistics();
  expect(downtime! - (ended.committedAt()! - paused)).toBeCloseTo(wire.latencyMs, 1);
});

test("verified while the guest runs, the pause asks only about what was dirtied meanwhile", async () => {
  let dirtied = 0;
  const ended = await runPacedSession({
    wire,
    guestRate: 100_000,
    session: { verify: true },
    onEvent(event, { guest }) {
      if (event.type === "pass") dirtied += guest!.takeDirtied();
    },
  });
  expect(ended.end).not.toBeInstanceOf(Error);
  expect(ended.same).toBe(true);
  const pausedAt = ended.control.find(({ what }) => what === "pause")!.at;
  const [before, inPause] = [false, true].map((isPaused) =>
    ended.frames.filter(({ at }) => at >= pausedAt === isPaused),
  );
  expect(bytesOf(before!, "hash"), "nearly the whole disk").toBeGreaterThan(95 * 1024 * 1024);
  dirtied += ended.guest!.takeDirtied();
  expect(bytesOf(inPause!, "hash")).toBeGreaterThan(0);
  expect(bytesOf(inPause!, "hash")).toBeLessThanOrEqual(dirtied);
});

test("the guest could be paused for most of the limit, and is paused for a small part of it: passes that pay go on", async () => {
  const guest = { wire, guestRate: 20_000_000, granularity: 4096 };
  const ended = await runPacedSession(guest);
  expect(ended.end).not.toBeInstanceOf(Error);
  expect(ended.same).toBe(true);
  expect(ended.migration.statistics().downtime).toBeLessThan(60);
  const impatient = await runPacedSession({ ...guest, migration: { convergence: convergesByPending } });
  expect(impatient.migration.statistics().downtime, "with a rule of one's own, it is that rule").toBeGreaterThan(100);
});
