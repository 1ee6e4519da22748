import { describe, expect, test } from "vitest";

import { bytesOf, isLeftAlone, stepsOf } from "./paced-figures.ts";
import { type PacedEnd, type PacedSessionOptions, runPacedSession } from "./paced-session.ts";

const MB = 1_000_000;
const DISK = 100 * 1024 * 1024;
const LIMIT_MS = 300;

/** Moves 100 MiB under random writes of 4 KiB, 20 MB a second, and counts what each pass dirties. */
async function moveUnderWrites(
  options: PacedSessionOptions,
): Promise<PacedEnd & { readonly dirtied: number; readonly resent: number }> {
  let dirtied = 0;
  const ended = await runPacedSession({
    guestRate: 20 * MB,
    ...options,
    onEvent(event, { guest }) {
      if (event.type === "pass") dirtied += guest!.takeDirtied();
    },
  });
  dirtied += ended.guest!.takeDirtied();
  return { ...ended, dirtied, resent: bytesOf(ended.frames, "data") - DISK };
}

function assertCheap({ resent, dirtied, end, same, migration }: Awaited<ReturnType<typeof moveUnderWrites>>): void {
  expect(end).not.toBeInstanceOf(Error);
  expect(same).toBe(true);
  expect(resent, "the guest wrote behind the sweep").toBeGreaterThan(0);
  expect(resent).toBeLessThanOrEqual(1.2 * dirtied);
  expect(migration.statistics().downtime).toBeLessThan(LIMIT_MS);
}

describe("a guest writes 4 KiB at random places, 20 MB a second", () => {
  test.each([
    [100, 1],
    [100, 10],
    [40, 1],
    [40, 10],
  ])(
    "in granules of 4 KiB, over %d MB/s with %d ms, passes suffice: each dirty granule is sent once a pass, and the pause is short",
    async (megabytes, latencyMs) => {
      const ended = await moveUnderWrites({
        wire: { bytesPerSecond: megabytes * MB, latencyMs },
        granularity: 4096,
      });
      assertCheap(ended);
      expect(stepsOf(ended)).toEqual([]);
    },
  );

  test.each([
    [100, 1],
    [40, 10],
  ])(
    "in granules of 64 KiB, over %d MB/s with %d ms, it dirties more than is sent, and is throttled until it does not",
    async (megabytes, latencyMs) => {
      const ended = await moveUnderWrites({
        wire: { bytesPerSecond: megabytes * MB, latencyMs },
        migration: { throttle: true },
      });
      assertCheap(ended);
      expect(stepsOf(ended)).toContain("throttle");
      expect(isLeftAlone(ended)).toBe(true);
    },
  );
});
