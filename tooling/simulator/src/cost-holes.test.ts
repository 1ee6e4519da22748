import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { expect, test } from "vitest";

import { bytesOf } from "./paced-figures.ts";
import { type PacedEnd, runPacedSession } from "./paced-session.ts";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const EXTENTS = 64;
const wire = { bytesPerSecond: 100_000_000, latencyMs: 1 };

/** 3 TiB of holes, and 64 MiB of data scattered in them. */
async function hugeDisk(): Promise<BlockDevice> {
  const disk = createMemoryDevice({ size: 3072 * GiB });
  for (let nth = 0; nth < EXTENTS; nth++) await disk.write(placeOf(nth), [Buffer.alloc(MiB, nth + 1)]);
  return disk;
}

const placeOf = (nth: number): number => nth * 48 * GiB + 5 * MiB;

function assertCheap({ end, frames, totalMs }: PacedEnd): void {
  expect(end).not.toBeInstanceOf(Error);
  expect(frames.length, "frames of any kind").toBeLessThan(EXTENTS + 100);
  expect(totalMs, "virtual milliseconds").toBeLessThan(2000);
}

async function assertSameData(a: BlockDevice, b: BlockDevice): Promise<void> {
  const [left, right] = [Buffer.alloc(3 * MiB), Buffer.alloc(3 * MiB)];
  for (let nth = 0; nth < EXTENTS; nth++) {
    await a.read(placeOf(nth) - MiB, left);
    await b.read(placeOf(nth) - MiB, right);
    expect(left.equals(right), `extent ${nth} and what is around it`).toBe(true);
  }
}

test("a hole of any length is one frame, and the data between holes costs itself", async () => {
  const [origin, target] = [await hugeDisk(), createMemoryDevice({ size: 3072 * GiB, fill: 0xe5 })];
  const ended = await runPacedSession({ wire, origin, target, compare: false });
  assertCheap(ended);
  expect(bytesOf(ended.frames, "data")).toBe(EXTENTS * MiB);
  expect(bytesOf(ended.frames, "hole")).toBe(origin.size - EXTENTS * MiB);
  await assertSameData(origin, target);
});

test("resumed, a hole of any length is one question, and only what differs is sent", async () => {
  const [origin, target] = [await hugeDisk(), await hugeDisk()];
  await target.write(placeOf(20), [Buffer.alloc(4096, 0xe5)]);
  const ended = await runPacedSession({
    wire,
    origin,
    target,
    held: [{ offset: 0, length: origin.size }],
    session: { resume: { attempt: 0 } },
    compare: false,
  });
  assertCheap(ended);
  expect(bytesOf(ended.frames, "hash")).toBe(origin.size);
  expect(bytesOf(ended.frames, "data")).toBe(MiB);
  await assertSameData(origin, target);
});
