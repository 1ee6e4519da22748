import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it, vi } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { findLeftovers } from "./leftovers.ts";
import type { QemuLiveDisks } from "./live-contract.ts";
import { type LiveMachine, runsOf, startLiveMachine } from "./live-real.test-kit.ts";
import type { MachineMove } from "./machine-contract.ts";
import { CONVERGED } from "./machine-disks.test-kit.ts";
import { createMachineMove } from "./machine-move.ts";
import type { Qmp } from "./qmp-contract.ts";
import { QEMUS, type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const PATIENCE = { timeout: 15_000, interval: 5 };

interface Both {
  readonly here: LiveMachine;
  readonly there: RealQemu;
  readonly destination: Qmp;
  readonly live: QemuLiveDisks;
  readonly move: MachineMove;
  readonly warnings: readonly string[];
  /** Of a disk at the destination. */
  readonly target: (disk: number) => string;
}

describe.skipIf(QEMUS.length === 0).each(QEMUS)("a machine of $name, and its disks", ({ command }) => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function started(): Promise<Both> {
    const here = await startLiveMachine(command);
    ends.push(here.close);
    const target = (disk: number): string => join(here.folder, `target${disk}.raw`);
    const disks = [0, 1].flatMap((disk) => {
      writeFileSync(target(disk), new Uint8Array(16 * MiB).fill(0x55));
      const drive = `id=d${disk},if=none,file=${target(disk)},format=raw`;
      return ["-drive", drive, "-device", `virtio-blk-pci,drive=d${disk},id=v${disk},share-rw=on`];
    });
    const uri = `unix:${join(here.folder, "mig")}`;
    const path = join(here.folder, "there");
    const there = await startRealQemu({ path, args: [...disks, "-S", "-incoming", uri], binary: command });
    ends.push(there.kill);
    const destination = await connectQmp(there.address);
    ends.push(async () => destination.close());
    const live = await here.open();
    await live.tracker.start();
    const warnings: string[] = [];
    const parts = { source: here.qmp, destination, uri, live, downtimeLimit: () => 300 };
    const move = createMachineMove({ ...parts, warn: (message) => void warnings.push(message) });
    await move.prepare();
    return { here, there, destination, live, move, target, warnings };
  }
  const held = async ({ move, here }: Both): Promise<void> => {
    await vi.waitUntil(() => move.converges(CONVERGED), PATIENCE);
    expect(await move.guest.pause()).toBeUndefined();
    expect((await findLeftovers(here.qmp)).map(({ marks }) => marks)).toEqual([
      expect.arrayContaining(["machine", "before-rpe-300"]),
    ]);
  };
  const guestOf = async (qmp: Qmp): Promise<string> =>
    ((await qmp.execute("query-status")) as { status: string }).status;

  it("move: the last pass is read while the guest is held, and the destination then has the disks to itself", async () => {
    const both = await started();
    const { here, destination, live, move, target } = both;
    await here.io(0, "write -P 7 64k 64k");
    expect(runsOf(await live.tracker.sync())).toEqual([[[64 * KiB, 64 * KiB]], []]);
    await here.io(1, "write -P 8 0 64k");
    await held(both);
    expect(runsOf(await live.tracker.sync())).toEqual([[], [[0, 64 * KiB]]]);
    for (const [index, { device }] of live.disks.entries()) {
      const all = new Uint8Array(device.size);
      await device.read(0, all);
      writeFileSync(target(index), all);
    }
    await live.confirm();
    await move.handOver();
    const { exports, bitmaps } = (await findLeftovers(here.qmp))[0]!;
    expect([exports, bitmaps.filter(({ name }) => name.includes(".writes."))]).toEqual([[], []]);
    await live.mark("asked");
    await live.mark("moved");
    await move.resumeThere();
    expect([await guestOf(here.qmp), await guestOf(destination)]).toEqual(["postmigrate", "running"]);
    await move.close();
    expect(both.warnings).toEqual([]);
    await live.close(["moved"]);
    expect(await here.traces()).toEqual(["blkmig.m1.mark.moved"]);
    for (const disk of [0, 1]) {
      expect(readFileSync(target(disk)).equals(readFileSync(join(here.folder, `d${disk}.raw`)))).toBe(true);
    }
  });

  it("go on here when the guest is given back: its writes are still told, and nothing is left in the end", async () => {
    const both = await started();
    const { here, there, live, move } = both;
    await held(both);
    await live.tracker.sync();
    await move.guest.resume();
    await there.exited;
    await here.io(0, "write -P 9 0 64k");
    expect(runsOf(await live.tracker.sync())).toEqual([[[0, 64 * KiB]], []]);
    await move.close();
    await live.close();
    expect(await here.traces()).toEqual([]);
    expect(await guestOf(here.qmp)).toBe("running");
  });

  it("go on here when they have been let go of, and the destination dies", async () => {
    const both = await started();
    const { here, there, live, move } = both;
    await held(both);
    const release = live.release;
    live.release = async () => {
      await release();
      await there.kill();
    };
    await expect(move.handOver()).rejects.toMatchObject({ code: "migration" });
    await move.guest.resume();
    await move.close();
    await live.close();
    expect(await here.traces()).toEqual([]);
    expect(await guestOf(here.qmp)).toBe("running");
  });
});
