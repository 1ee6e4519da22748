import { type BlockDevice, createMemoryDevice, trackWrites } from "@blkmig/device";
import { naiveDecode, recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { classicFormat } from "./classic-format.ts";
import { systemClock } from "./clock.ts";
import { createSource } from "./source.ts";

const MiB = 1024 * 1024;

/** A step of the disk that a test holds open while the guest writes. */
function gate() {
  let open = (): void => {};
  let reached = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  return { arrived, open, pass: () => (reached(), opened) };
}

/** A source of one tracked disk whose face is changed by `slow`. */
async function sourceOf(size: number, slow: (disk: BlockDevice) => Partial<BlockDevice>) {
  const device = createMemoryDevice({ name: "vda", size });
  await device.write(0, [Buffer.alloc(size, 1)]);
  const { guest, disk, tracker } = trackWrites(device, { granularity: 4096 });
  const wire = recordingWire();
  const face = { ...disk, extents: disk.extents.bind(disk), ...slow(disk) };
  const source = createSource({
    disks: [{ name: "vda", device: face }],
    format: classicFormat(),
    wire,
    tracker,
    reads: 4,
    bufferedBytes: 8 * MiB,
    clock: systemClock,
  });
  await source.setup();
  const lastBlock = (): Uint8Array | undefined => {
    const block = naiveDecode(wire.sent()).frames.findLast((frame) => frame.type === "block");
    return block?.type === "block" ? block.data : undefined;
  };
  return { source, device, guest, lastBlock };
}

test("a write that lands while its block is being read, and is found by a sync meanwhile, is sent again", async () => {
  const reading = gate();
  let reads = 0;
  const { source, guest, lastBlock } = await sourceOf(MiB, (disk) => ({
    read: async (offset, into) => {
      await disk.read(offset, into);
      if (reads++ === 0) await reading.pass();
    },
  }));
  const bulk = source.iterate(Infinity);
  await reading.arrived;
  await guest.write(0, [Buffer.alloc(512, 9)]);
  expect(await source.pending()).toBe(2 * MiB); // the old copy in flight, the new one to be sent
  reading.open();
  await bulk;
  await source.complete(async () => {});
  expect(lastBlock()?.[0]).toBe(9);
  await source.cleanup();
});

test("a write that lands while the disk is asked what it holds, and is found by a sync meanwhile, is sent", async () => {
  const asking = gate();
  const { source, device, guest, lastBlock } = await sourceOf(MiB, () => ({
    async *extents(offset, length) {
      await asking.pass();
      yield { offset, length, zero: true, allocated: false }; // as it was when it was asked
    },
  }));
  await device.zero(0, MiB);
  const bulk = source.iterate(Infinity);
  await asking.arrived;
  await guest.write(0, [Buffer.alloc(512, 9)]);
  expect(await source.pending()).toBe(2 * MiB);
  asking.open();
  await bulk;
  expect(await source.pending()).toBe(MiB);
  expect(lastBlock()).toBeUndefined();
  await source.cleanup();
});

test("a block is not read again while an older copy of it has not left", async () => {
  const sending = gate();
  let held = false;
  const device = createMemoryDevice({ name: "vda", size: MiB });
  await device.write(0, [Buffer.alloc(MiB, 1)]);
  const { guest, disk, tracker } = trackWrites(device, { granularity: 512 });
  let reads = 0;
  const counted = {
    ...disk,
    extents: disk.extents.bind(disk),
    read: (offset: number, into: Uint8Array) => (reads++, disk.read(offset, into)),
  };
  const wire = recordingWire({
    async hold(bytes) {
      if (bytes < MiB || held) return;
      held = true;
      await sending.pass();
    },
  });
  const disks = [{ name: "vda", device: counted }];
  const format = classicFormat();
  const source = createSource({ disks, format, wire, tracker, reads: 4, bufferedBytes: 8 * MiB, clock: systemClock });
  await source.setup();
  await source.iterate(1); // begins the one read, and does not wait for it
  await sending.arrived;
  await guest.write(0, [Buffer.alloc(512, 9)]);
  await source.pending();
  const passes = source.iterate(Infinity).then(() => source.iterate(Infinity));
  await new Promise(setImmediate);
  expect(reads).toBe(1);
  sending.open();
  await passes;
  expect(reads).toBe(2);
  await source.cleanup();
});
