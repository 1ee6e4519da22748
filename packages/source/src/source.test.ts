import { createMemoryDevice, type Tracker, trackWrites } from "@blkmig/device";
import { naiveDecode, recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { classicFormat } from "./classic-format.ts";
import { systemClock } from "./clock.ts";
import { createSource } from "./source.ts";

const MiB = 1024 * 1024;

async function sourceOf(size: number, filled: boolean) {
  const device = createMemoryDevice({ name: "vda", size });
  if (filled) await device.write(0, [Buffer.alloc(size, 1)]);
  const tracked = trackWrites(device, { granularity: 4096 });
  const wire = recordingWire();
  const tracker: Tracker = tracked.tracker;
  const disks = [{ name: "vda", device: tracked.disk }];
  const format = classicFormat();
  const source = createSource({ disks, format, wire, tracker, reads: 4, bufferedBytes: 8 * MiB, clock: systemClock });
  return { source, tracked, wire };
}

test("pending counts what bulk has not reached, and complete() refuses before it has reached all", async () => {
  const { source } = await sourceOf(8 * MiB, true);
  await source.setup();
  expect(await source.pending()).toBe(8 * MiB);
  const { passEnded } = await source.iterate(2 * MiB);
  expect(passEnded).toBe(false);
  expect(source.bulkDone).toBe(false);
  expect(await source.pending()).toBeGreaterThanOrEqual(6 * MiB);
  await expect(source.complete(async () => {})).rejects.toThrow("bulk phase");
  await source.cleanup();
});

test("what the guest writes ahead of bulk is sent once, behind it again", async () => {
  const { source, tracked, wire } = await sourceOf(8 * MiB, true);
  await source.setup();
  await source.iterate(4 * MiB);
  await tracked.guest.write(7 * MiB, [Buffer.alloc(512, 9)]); // not reached yet
  await tracked.guest.write(0, [Buffer.alloc(512, 9)]); // gone already
  await source.pending();
  await source.iterate(Infinity);
  expect(source.bulkDone).toBe(true);
  await source.complete(async () => {});
  const blocks = naiveDecode(wire.sent()).frames.filter((frame) => frame.type === "block");
  const times = (block: number): number => blocks.filter(({ offset }) => offset === block * MiB).length;
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(times)).toEqual([2, 1, 1, 1, 1, 1, 1, 1]);
  await source.cleanup();
});

test("a write between the ask and its answer is not lost", async () => {
  const device = createMemoryDevice({ name: "vda", size: 2 * MiB });
  const tracked = trackWrites(device, { granularity: 4096 });
  const wire = recordingWire();
  let written = false;
  const disk = {
    ...tracked.disk,
    read: tracked.disk.read.bind(tracked.disk),
    async *extents(offset: number, length: number) {
      yield { offset, length, zero: true, allocated: false };
      if (!written) await tracked.guest.write(MiB, [Buffer.alloc(512, 5)]);
      written = true;
    },
  };
  const disks = [{ name: "vda", device: disk }];
  const format = classicFormat();
  const { tracker } = tracked;
  const source = createSource({ disks, format, wire, tracker, reads: 4, bufferedBytes: 8 * MiB, clock: systemClock });
  await source.setup();
  await source.iterate(Infinity);
  expect(await source.pending()).toBe(MiB);
  await source.cleanup();
});

test("a tracker that forgets a disk is found out", async () => {
  const { source } = await sourceOf(MiB, false);
  await source.setup();
  await source.cleanup();
  const wire = recordingWire();
  const disks = [{ name: "a", device: createMemoryDevice({ size: MiB }) }];
  const tracker: Tracker = { start: async () => {}, sync: async () => [], stop: async () => {} };
  const format = classicFormat();
  const blind = createSource({ disks, format, wire, tracker, reads: 1, bufferedBytes: MiB, clock: systemClock });
  await blind.setup();
  await expect(blind.pending()).rejects.toThrow("does not know all the disks");
  await blind.cleanup();
});
