import { expect, test } from "vitest";

import { createMemoryDevice } from "./memory-device.ts";

const MiB = 1024 * 1024;
const TiB = MiB * MiB;

test.each([0, 0xee])("a memory disk costs what was written, at 3 TiB full of %i", async (fill) => {
  const before = process.memoryUsage().arrayBuffers;
  const device = createMemoryDevice({ size: 3 * TiB, fill });
  await device.write(2 * TiB - 1, [Uint8Array.of(1, 2)]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MiB);
  await device.zero(1, 3 * TiB - 2);
  const into = new Uint8Array(2);
  await device.read(2 * TiB - 1, into);
  expect([...into]).toEqual([0, 0]);
  await device.read(0, into);
  expect([...into]).toEqual([fill, 0]);
  let extents = 0;
  for await (const _ of device.extents(0, 3 * TiB)) extents++;
  expect(extents).toBeLessThanOrEqual(3);
});
