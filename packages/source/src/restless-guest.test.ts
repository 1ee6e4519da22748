import { createMemoryDevice, type Guest, trackWrites } from "@blkmig/device";
import { naiveDecode, recordingWire } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { migrate } from "./migration.ts";
import type { MigrationEvent } from "./statistics.ts";

const MiB = 1024 * 1024;

/** A disk of which one block holds data, and its guest, who comes to rest when it is asked for the `nth` time. */
async function restAt(nth: number, onNotYet: (write: (byte: number) => Promise<void>) => Promise<void>) {
  const {
    guest: face,
    disk,
    tracker,
    control,
  } = trackWrites(createMemoryDevice({ size: 4 * MiB }), {
    granularity: 4096,
  });
  const write = (byte: number): Promise<void> => face.write(MiB, [Buffer.alloc(MiB, byte)]);
  await write(1);
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
  const { disks, tracker, guest, steps } = await restAt(3, (write) => write(10 + steps.length));
  const wire = recordingWire();
  const { send, finish, destroy } = wire;
  const told: string[] = [];
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "status") told.push(`${event.statistics.status} ${event.statistics.phase}`);
  };
  const { statistics } = await migrate({ disks, tracker, guest, wire: { send, finish, destroy }, onEvent });
  expect(steps).toEqual(["pause", "pause", "pause"]);
  const sent = naiveDecode(wire.sent()).frames.filter((frame) => frame.type === "block");
  expect(sent.map((frame) => frame.data[0])).toEqual([1, 11, 12]);
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
