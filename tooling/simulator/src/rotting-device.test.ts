import { createMemoryDevice } from "@blkmig/device";
import { createRandom } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { rottingDevice } from "./rotting-device.ts";

test("a disk that rots keeps other bytes than each write gave it, and none beside that write's place", async () => {
  const random = createRandom(1);
  const told: string[] = [];
  for (let round = 0; round < 50; round++) {
    const memory = createMemoryDevice({ size: 64 * 1024, fill: 0xe5 });
    const disk = rottingDevice(memory, { random, likely: 1, onStrike: (what) => told.push(what) });
    await disk.write(8192, [Buffer.from(random.bytes(4096)), Buffer.from(random.bytes(512))]);
    const kept = Buffer.alloc(64 * 1024);
    await disk.read(0, kept);
    expect(kept.subarray(0, 8192).every((byte) => byte === 0xe5)).toBe(true);
    expect(kept.subarray(8192 + 4608).every((byte) => byte === 0xe5)).toBe(true);
  }
  expect(told).toHaveLength(50);
  expect(new Set(told)).toEqual(new Set(["flipped", "lost", "misdirected"]));
});
