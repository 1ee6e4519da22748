import { afterEach, describe, expect, it } from "vitest";

import { type LiveMachine, runsOf, startLiveMachine } from "./live-real.test-kit.ts";
import { QEMUS } from "./real-qemu.test-kit.ts";

const KiB = 1024;

describe.skipIf(QEMUS.length === 0).each(QEMUS)("the live disks of $name", ({ command }) => {
  const machines: LiveMachine[] = [];
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.close();
  });
  async function started(disks?: number): Promise<LiveMachine> {
    const machine = await startLiveMachine(command, disks);
    machines.push(machine);
    return machine;
  }

  it("says what was written since it was last asked, and leaves nothing behind", async () => {
    const machine = await started();
    const { tracker, disks, close } = await machine.open();
    expect(disks.map(({ name }) => name)).toEqual(machine.disks.map(({ name }) => name));
    await tracker.start();
    expect(runsOf(await tracker.sync())).toEqual([[], []]);
    await machine.io(0, "write -P 7 0 64k");
    await machine.io(1, "write -P 7 100k 64k");
    expect(runsOf(await tracker.sync())).toEqual([[[0, 64 * KiB]], [[64 * KiB, 128 * KiB]]]);
    expect(runsOf(await tracker.sync())).toEqual([[], []]);
    await tracker.stop();
    await close();
    expect(await machine.traces()).toEqual([]);
    expect(machine.warnings).toEqual([]);
  });
});
