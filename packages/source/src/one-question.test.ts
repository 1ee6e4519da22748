import { type BlockDevice, createMemoryDevice, type Tracker, trackWrites } from "@blkmig/device";
import { recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { convergesByPending, type ConvergenceRule } from "./convergence.ts";
import { migrate } from "./migration.ts";
import type { MigrationEvent } from "./statistics.ts";

const MiB = 1024 * 1024;

/** A disk whose tracker counts what it is asked, on a wire that nobody answers. */
async function counted(filled: number) {
  const {
    guest: face,
    disk,
    tracker,
    control,
  } = trackWrites(createMemoryDevice({ size: 8 * MiB }), {
    granularity: 4096,
  });
  await face.write(0, [Buffer.alloc(filled, 1)]);
  const asked = { times: 0 };
  const counting: Tracker = {
    ...tracker,
    async sync() {
      asked.times++;
      return tracker.sync();
    },
  };
  const { send, finish, destroy } = recordingWire();
  const wire = { send, finish, destroy };
  return { face, asked, options: { disks: [{ name: "vda", device: disk }], tracker: counting, guest: control, wire } };
}

/** Time passes when it is waited for; `meanwhile` happens then. */
function waitingClock(meanwhile: () => Promise<void> = async () => {}): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    now: () => now,
    async sleep(ms) {
      waits.push(ms);
      await meanwhile();
      now += ms;
    },
  };
}

test("the tracker is asked once a turn, and once more when the guest is paused", async () => {
  const { face, asked, options } = await counted(8 * MiB);
  const judgedAfter = new Set<number>();
  const convergence: ConvergenceRule = (view) => {
    judgedAfter.add(asked.times);
    return judgedAfter.size > 12 && convergesByPending(view);
  };
  const passes: number[] = [];
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "pass") passes.push(event.pass);
    if (event.type === "pass" && event.pass < 3) void face.write(0, [Buffer.alloc(MiB, 2)]);
  };
  const clock = waitingClock();
  const { statistics } = await migrate({ ...options, maxBandwidth: 40 * MiB, clock, convergence, onEvent });
  const turns = judgedAfter.size;
  expect([...judgedAfter]).toEqual(Array.from({ length: turns }, (_, nth) => nth + 1));
  expect(asked.times).toBe(turns + 1);
  expect(passes).toEqual(passes.map((_, nth) => nth + 1));
  expect(statistics.dirtySyncCount, "the one in the pause begins a pass too").toBe(passes.length + 1);
});

test("what was written while a turn waited is known when it is decided whether to switch over", async () => {
  const { face, options } = await counted(4 * MiB);
  let isBulkDone = false;
  let isWritten = false;
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "status") isBulkDone = event.statistics.phase === "dirty";
  };
  const clock = waitingClock(async () => {
    if (isBulkDone) await face.write(0, [Buffer.alloc(512, 3)]);
    isWritten = isBulkDone;
  });
  const judged: number[] = [];
  const convergence: ConvergenceRule = ({ bulkDone, pending }) => {
    if (isWritten) judged.push(pending);
    return bulkDone;
  };
  await migrate({ ...options, maxBandwidth: MiB, clock, convergence, onEvent });
  expect(judged).toEqual([MiB]);
});

test("a pass is told with what the next one has to send, after the status of the turn that ended it", async () => {
  const { face, options } = await counted(MiB);
  const told: string[] = [];
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "pass" || event.type === "status") {
      told.push(`${event.type} ${event.statistics.phase} ${event.statistics.remaining / MiB}`);
    }
  };
  const clock = waitingClock(async () => {
    if (told.at(-1)?.startsWith("status dirty")) await face.write(4 * MiB, [Buffer.alloc(2 * MiB, 3)]);
  });
  await migrate({ ...options, maxBandwidth: MiB, clock, onEvent, convergence: ({ bulkDone }) => bulkDone });
  expect(told.filter((event) => event.includes("dirty"))).toEqual(["status dirty 0", "pass dirty 2"]);
});

test("an idle guest, whose switchover waits for a rule of the caller's own, is asked about less and less often", async () => {
  const { asked, options } = await counted(0);
  const clock = waitingClock();
  const until = 350;
  await migrate({ ...options, clock, convergence: ({ bulkDone }) => bulkDone && clock.now() >= until });
  expect(clock.waits).toEqual([10, 20, 40, 80, 100, 100]);
  expect(asked.times).toBeLessThanOrEqual(clock.waits.length + 4);
});

test("a short run that the guest has written is read, and its disk not asked what it is; a long one is asked about", async () => {
  const { face, options } = await counted(8 * MiB);
  const asked: string[] = [];
  let isBulkDone = false;
  const disk = options.disks[0]!.device;
  const device: BlockDevice = {
    ...disk,
    extents(offset, length) {
      if (isBulkDone) asked.push(`${offset / MiB} ${length / MiB}`);
      return disk.extents(offset, length);
    },
  };
  const onEvent = (event: MigrationEvent): void => {
    if (event.type !== "pass") return;
    isBulkDone = true;
    if (event.pass === 1) void face.zero(MiB, MiB);
    if (event.pass === 2) void face.zero(4 * MiB, 3 * MiB);
  };
  let passes = 0;
  const convergence: ConvergenceRule = ({ bulkDone }) => bulkDone && ++passes > 6;
  const { statistics } = await migrate({
    ...options,
    disks: [{ name: "vda", device }],
    clock: waitingClock(),
    convergence,
    onEvent,
  });
  expect(asked).toEqual(["4 3"]);
  expect(statistics.disks[0], "what reads as zero is sent as zero, asked about or not").toMatchObject({
    dataBytes: 8 * MiB,
    zeroBytes: 4 * MiB,
  });
});
