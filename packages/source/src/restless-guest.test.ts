import { createMemoryDevice, type Guest, trackWrites } from "@blkmig/device";
import { naiveDecode, recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { migrate } from "./migration.ts";
import type { MigrationEvent } from "./statistics.ts";

const MiB = 1024 * 1024;

/** A disk of which one block holds data, and its guest, who comes to rest when it is asked for the `nth` time. */
async function restAt(nth: number, onNotYet: (write: (block: number) => Promise<void>) => Promise<void>) {
  const {
    guest: face,
    disk,
    tracker,
    control,
  } = trackWrites(createMemoryDevice({ size: 4 * MiB }), {
    granularity: 4096,
  });
  const write = (block: number): Promise<void> => face.write(block * MiB, [Buffer.alloc(MiB, 7)]);
  await write(0);
  const steps: string[] = [];
  const guest: Guest = {
    async pause() {
      steps.push("pause");
      if (steps.length >= nth) return control.pause();
      await onNotYet(write);
      return "not-yet";
    },
    async resume() {
      steps.push("resume");
    },
  };
  return { disks: [{ name: "vda", device: disk }], tracker, guest, steps };
}

test("a guest that says not yet goes on, unresumed, and is asked again when its writes have been sent", async () => {
  const { disks, tracker, guest, steps } = await restAt(3, (write) => write(steps.length));
  const wire = recordingWire();
  const { send, finish, destroy } = wire;
  const told: string[] = [];
  let sentAtRest: number[] | undefined;
  const blocks = (): number[] =>
    naiveDecode(wire.sent()).frames.flatMap((frame) => (frame.type === "block" ? [frame.offset / MiB] : []));
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "status") told.push(`${event.statistics.status} ${event.statistics.phase}`);
    if (steps.length === 2 && event.type === "status" && event.statistics.phase === "switchover") sentAtRest = blocks();
  };
  const { statistics } = await migrate({ disks, tracker, guest, wire: { send, finish, destroy }, onEvent });
  expect(steps).toEqual(["pause", "pause", "pause"]);
  expect(sentAtRest, "what it wrote when it was asked first was sent while it ran on").toEqual([0, 1]);
  expect(blocks()).toEqual([0, 1, 2]);
  const switchovers = told.filter((each, at) => each !== told[at - 1] && !each.endsWith("bulk")).slice(1);
  expect(switchovers).toEqual([
    "device switchover",
    "active dirty",
    "device switchover",
    "active dirty",
    "device switchover",
    "completed switchover",
  ]);
  expect(statistics.downtime).toBeLessThanOrEqual(statistics.totalTime);
});

test("a migration that ends while its guest goes on has nothing to resume", async () => {
  const controller = new AbortController();
  const { disks, tracker, guest, steps } = await restAt(Infinity, async () => {});
  const { signal } = controller;
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "status" && event.statistics.status === "active" && steps.length > 0) controller.abort();
  };
  const error: unknown = await migrate({ disks, tracker, guest, wire: recordingWire(), signal, onEvent }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "cancelled", guest: "running" });
  expect(steps).toEqual(["pause"]);
});

const clock: Clock = {
  now: () => performance.now(),
  sleep: () => new Promise((resolve) => void setImmediate(resolve)),
};

test("where commit was asked for before, nobody is asked what became of it until the guest rests", async () => {
  const { disks, tracker, guest, steps } = await restAt(3, async () => {});
  let asked = 0;
  const connect = async (): Promise<never> => {
    asked = steps.length;
    throw new Error("nobody listens");
  };
  const session = { connect, migration: "m-1", resume: { attempt: 1, asked: 1 }, reconnectFor: 0 };
  await expect(migrate({ disks, tracker, guest, session, clock })).rejects.toMatchObject({
    code: "in-doubt",
    guest: "paused",
  });
  expect(asked).toBe(3);
  expect(steps).toEqual(["pause", "pause", "pause"]);
});

test("where commit was asked for before, it stays in doubt, whatever ends the wait for the guest's rest", async () => {
  const controller = new AbortController();
  const { disks, tracker, guest, steps } = await restAt(Infinity, async () => {
    if (steps.length === 2) controller.abort();
  });
  const connect = async (): Promise<never> => {
    throw new Error("nobody was to be asked");
  };
  const session = { connect, migration: "m-1", resume: { attempt: 1, asked: 1 } };
  const { signal } = controller;
  await expect(migrate({ disks, tracker, guest, session, clock, signal })).rejects.toMatchObject({ code: "in-doubt" });
  expect(steps).not.toContain("resume");
});
