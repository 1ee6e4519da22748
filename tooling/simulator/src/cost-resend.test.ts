import { createMemoryDevice } from "@blkmig/device";
import { expect, test } from "vitest";

import type { FrameOnWire } from "./paced-frames.ts";
import { runPacedSession } from "./paced-session.ts";

const KiB = 1024;
const GRANULE = 64 * KiB;
const MiB = 1024 * KiB;

/** Writes once the bulk phase is over, and gives the frames that this cost. */
async function framesAfter(...writes: readonly (readonly [offset: number, length: number])[]) {
  let bulkDoneAt = Infinity;
  const { frames, end, same } = await runPacedSession({
    wire: { bytesPerSecond: 100_000_000, latencyMs: 1 },
    origin: createMemoryDevice({ size: 8 * MiB, fill: 7 }),
    onEvent(event, { clock, face }) {
      if (event.type !== "pass" || bulkDoneAt < Infinity) return;
      bulkDoneAt = clock.now();
      for (const [offset, length] of writes) void face.write(offset, [Buffer.alloc(length, 9)]);
    },
  });
  expect(end).not.toBeInstanceOf(Error);
  expect(same).toBe(true);
  const isResend = ({ kind, at }: FrameOnWire): boolean => kind !== "other" && at >= bulkDoneAt;
  return frames.filter(isResend).map(({ kind, offset, length }) => ({ kind, offset, length }));
}

test("a write of 512 bytes costs one granule", async () => {
  expect(await framesAfter([3 * GRANULE + 512, 512])).toEqual([{ kind: "data", offset: 3 * GRANULE, length: GRANULE }]);
});

test("a write over the edge of two granules costs both, in one frame", async () => {
  const frames = await framesAfter([4 * GRANULE - 512, 1024]);
  expect(frames).toEqual([{ kind: "data", offset: 3 * GRANULE, length: 2 * GRANULE }]);
});

test("granules side by side join up to the longest frame", async () => {
  const writes = Array.from({ length: 20 }, (_, granule) => [(8 + granule) * GRANULE, 512] as const);
  expect(await framesAfter(...writes)).toEqual([
    { kind: "data", offset: 8 * GRANULE, length: MiB },
    { kind: "data", offset: 24 * GRANULE, length: 4 * GRANULE },
  ]);
});

test("a clean granule between two dirty ones is not sent", async () => {
  expect(await framesAfter([0, 512], [2 * GRANULE, 512])).toEqual([
    { kind: "data", offset: 0, length: GRANULE },
    { kind: "data", offset: 2 * GRANULE, length: GRANULE },
  ]);
});
