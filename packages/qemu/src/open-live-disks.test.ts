import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createDirtyBitmap } from "@blkmig/device";
import { createRandom } from "@blkmig/testkit";
import { afterEach, describe, expect, it } from "vitest";

import { around, type LiveMachine, runsOf, startLiveMachine } from "./live-real.test-kit.ts";
import { QemuError } from "./qemu-error.ts";
import { QEMUS } from "./real-qemu.test-kit.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describe.skipIf(QEMUS.length === 0).each(QEMUS)("the live disks of $name", ({ command }) => {
  const machines: LiveMachine[] = [];
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.close();
  });
  async function started(): Promise<LiveMachine> {
    const machine = await startLiveMachine(command);
    machines.push(machine);
    return machine;
  }
  const isRunning = async ({ qmp }: LiveMachine): Promise<boolean> =>
    ((await qmp.execute("query-status")) as { running: boolean }).running;

  it("are read while they are open, and tell of holes", async () => {
    const machine = await started();
    const { disks } = await machine.open();
    expect(disks.map(({ name }) => name)).toEqual(machine.disks.map(({ name }) => name));
    for (const { device } of disks) {
      const into = new Uint8Array(2 * MiB);
      await device.read(0, into);
      expect([into[0], into[MiB - 1], into[MiB]]).toEqual([0xee, 0xee, 0]);
      const zero: boolean[] = [];
      for await (const extent of device.extents(0, device.size)) zero.push(extent.zero);
      expect([device.readOnly, device.size, zero]).toEqual([true, 16 * MiB, [false, true]]);
    }
  });

  it("say what was written since they were last asked, and nothing of theirs stays", async () => {
    const machine = await started();
    const { tracker, close } = await machine.open();
    await tracker.start();
    expect(runsOf(await tracker.sync())).toEqual([[], []]);
    await machine.io(0, "write -P 7 0 64k");
    await machine.io(1, "write -P 7 100k 64k");
    expect(runsOf(await tracker.sync())).toEqual([[[0, 64 * KiB]], [[64 * KiB, 128 * KiB]]]);
    expect(runsOf(await tracker.sync())).toEqual([[], []]);
    await tracker.stop();
    await tracker.stop();
    await close();
    await close();
    expect(await machine.traces()).toEqual([]);
    expect(machine.warnings).toEqual([]);
    expect(existsSync(join(machine.folder, "nbd"))).toBe(false);
    await (await machine.open()).close();
  });

  it("mark what is zeroed and what is discarded", async () => {
    const machine = await started();
    const { tracker } = await machine.open({ granularity: 4 * KiB });
    await tracker.start();
    await machine.io(0, "write -z 0 4k");
    await machine.io(0, "discard 64k 4k");
    expect(runsOf(await tracker.sync())[0]).toEqual([
      [0, 4 * KiB],
      [64 * KiB, 4 * KiB],
    ]);
  });

  it("lose no write, whatever is written while they are asked", async () => {
    const machine = await started();
    const { tracker } = await machine.open();
    const random = createRandom(6);
    const marks = () => machine.disks.map(({ disk }) => createDirtyBitmap({ size: disk.size, granularity: 64 * KiB }));
    const [written, said] = [marks(), marks()];
    const writers = [await machine.writer(0), await machine.writer(1)];
    await tracker.start();
    let isOver = false;
    const writing = writers.map(async (device, index) => {
      while (!isOver) {
        const offset = random.int((16 * MiB) / 4096) * 4096;
        await device.write(offset, [new Uint8Array(4096).fill(7)]);
        written[index]!.mark(offset, 4096);
      }
    });
    for (let time = 0; time < 40; time++) {
      const before = written.map((map) => [...map.runs()]);
      const sets = await tracker.sync();
      for (const [index, set] of sets.entries()) said[index]!.merge(set);
      // What was answered before the question is in some answer by now.
      for (const [index, runs] of before.entries()) {
        expect(runs.every(({ offset, length }) => said[index]!.all(offset, length))).toBe(true);
      }
    }
    isOver = true;
    await Promise.all(writing);
    for (const [index, set] of (await tracker.sync()).entries()) said[index]!.merge(set);
    expect(runsOf(said)).toEqual(runsOf(written));
    expect(written.every(({ bytes }) => bytes > 0)).toBe(true);
  });

  it("say a write between the exchange of the bitmaps and their reading at the next time", async () => {
    const machine = await started();
    const after = async (does: string): Promise<void> => {
      if (does === "block-export-add") await machine.io(0, "write -P 9 0 8k");
    };
    const { tracker } = await machine.open({ qmp: around(machine.qmp, { after }) });
    await tracker.start();
    await machine.io(0, "write -P 7 1M 4k");
    expect(runsOf(await tracker.sync())).toEqual([[[MiB, 64 * KiB]], []]);
    expect(runsOf(await tracker.sync())).toEqual([[[0, 64 * KiB]], []]);
  });

  it("say after a failure what they had not said before it, of all disks", async () => {
    const machine = await started();
    const breaks = new Set(["blkmig.m1.pass.0.1"]);
    const before = async (does: string, { id }: Readonly<Record<string, unknown>>): Promise<void> => {
      if (does === "block-export-add" && breaks.delete(String(id))) throw new QemuError("timeout", "", "no answer");
      if (does === "block-export-del" && breaks.delete(`end ${String(id)}`))
        throw new QemuError("timeout", "", "no end");
    };
    const { tracker, confirm } = await machine.open({ qmp: around(machine.qmp, { before }) });
    await tracker.start();
    for (const disk of [0, 1]) await machine.io(disk, "write -P 7 0 4k");
    await expect(tracker.sync()).rejects.toMatchObject({ code: "timeout", message: ": no answer" });
    await machine.io(1, "write -P 7 1M 4k");
    breaks.add("end blkmig.m1.pass.1.1");
    await expect(tracker.sync()).rejects.toMatchObject({ code: "timeout", message: ": no end" });
    await machine.io(0, "write -P 7 1M 4k");
    await machine.qmp.execute("stop");
    await expect(confirm()).rejects.toMatchObject({ code: "changed" });
    expect(runsOf(await tracker.sync())).toEqual(
      [0, 1].map(() => [
        [0, 64 * KiB],
        [MiB, 64 * KiB],
      ]),
    );
    await confirm();
    expect((await machine.traces()).filter((name) => name.includes("pass"))).toEqual([]);
  });

  it("serialise whoever asks at once, and each write is said once", async () => {
    const machine = await started();
    const { tracker } = await machine.open();
    const starting = tracker.start();
    await starting;
    await machine.io(0, "write -P 7 0 4k");
    const all = await Promise.all([tracker.sync(), tracker.sync(), tracker.sync()]);
    expect(all.map((sets) => runsOf(sets)[0])).toEqual([[[0, 64 * KiB]], [], []]);
    await expect(tracker.start()).rejects.toMatchObject({ code: "busy" });
  });

  it("cannot be resized while they are open", async () => {
    const machine = await started();
    const { close } = await machine.open();
    const resize = { "node-name": machine.disks[0]!.disk.node, size: 32 * MiB };
    await expect(machine.qmp.execute("block_resize", resize)).rejects.toMatchObject({ code: "refused" });
    await close();
    await machine.qmp.execute("block_resize", resize);
    await expect(machine.open()).rejects.toMatchObject({ code: "changed" });
    expect(await machine.traces()).toEqual([]);
  });

  it("stop a guest, confirm that it rests, and let it go on", async () => {
    const machine = await started();
    const live = await machine.open();
    await live.tracker.start();
    await expect(live.confirm()).rejects.toMatchObject({ code: "changed" });
    await live.guest.pause();
    await live.guest.pause();
    expect([live.stopped, await isRunning(machine)]).toEqual([true, false]);
    expect(await machine.traces()).toContain("blkmig.m1.mark.stopped");
    await live.confirm();
    await machine.io(1, "write -P 7 0 4k");
    await expect(live.confirm()).rejects.toMatchObject({ code: "changed" });
    await live.tracker.sync();
    await live.confirm();
    await live.guest.resume();
    await live.guest.resume();
    expect([live.stopped, await isRunning(machine)]).toEqual([false, true]);
    expect(await machine.traces()).not.toContain("blkmig.m1.mark.stopped");
  });

  it("neither stop nor resume a guest that somebody else had stopped", async () => {
    const machine = await started();
    const live = await machine.open();
    await machine.qmp.execute("stop");
    await live.tracker.start();
    await live.guest.pause();
    expect(live.stopped).toBe(false);
    await live.confirm();
    await live.guest.resume();
    expect(await isRunning(machine)).toBe(false);
  });

  it("refuse when somebody has resumed the guest, though it was stopped again", async () => {
    const machine = await started();
    const live = await machine.open();
    await live.tracker.start();
    await live.guest.pause();
    await machine.qmp.execute("cont");
    await expect(live.confirm()).rejects.toMatchObject({
      code: "changed",
      message: expect.stringMatching(/somebody has resumed/u),
    });
    await machine.qmp.execute("stop");
    await expect(live.confirm()).rejects.toMatchObject({
      code: "changed",
      message: expect.stringMatching(/somebody has resumed/u),
    });
    expect(live.stopped).toBe(false);
    await live.guest.resume();
    expect(await isRunning(machine)).toBe(false);
    expect(await machine.traces()).not.toContain("blkmig.m1.mark.stopped");
  });

  it("refuse when a snapshot has moved the root", async () => {
    const machine = await started();
    const live = await machine.open();
    await live.tracker.start();
    await live.guest.pause();
    const device = machine.disks[0]!.disk.node;
    const file = join(machine.folder, "snapshot.qcow2");
    await machine.qmp.execute("blockdev-snapshot-sync", {
      "node-name": device,
      "snapshot-file": file,
      "snapshot-node-name": "top",
    });
    await machine.io(0, "write -P 7 0 4k");
    expect(runsOf(await live.tracker.sync())).toEqual([[], []]);
    await expect(live.confirm()).rejects.toMatchObject({
      code: "changed",
      message: expect.stringMatching(/another root/u),
    });
    await live.close();
    expect(await machine.traces()).toEqual([]);
  });

  it("keep their marks when they are let go of, and those that are named when they are closed", async () => {
    const machine = await started();
    const { tracker, guest, mark, unmark, release, close } = await machine.open();
    await tracker.start();
    await guest.pause();
    for (const each of ["machine", "asked", "asked", "moved"] as const) await mark(each);
    await unmark("machine");
    await unmark("machine");
    await release();
    await release();
    await expect(tracker.start()).rejects.toThrow(TypeError);
    const marks = await machine.traces();
    expect(marks).toMatchObject([
      "blkmig.m1.mark.asked",
      "blkmig.m1.mark.moved",
      "blkmig.m1.mark.stopped",
      expect.stringContaining("server"),
    ]);
    await close(["moved", "stopped"]);
    expect(await machine.traces()).toEqual(["blkmig.m1.mark.moved", "blkmig.m1.mark.stopped"]);
    expect(await isRunning(machine)).toBe(false);
  });

  it("adopt a guest that an earlier run has stopped, and not one that runs", async () => {
    const machine = await started();
    const before = await machine.open();
    await before.guest.pause();
    await before.close(["stopped"]);
    const after = await machine.open();
    expect(after.stopped).toBe(true);
    await after.guest.resume();
    expect([after.stopped, await isRunning(machine)]).toEqual([false, true]);
    await after.mark("stopped");
    await after.close(["stopped"]);
    const last = await machine.open();
    expect(last.stopped).toBe(false);
    expect(await machine.traces()).not.toContain("blkmig.m1.mark.stopped");
  });

  it("undo all when the last one cannot be exported, and keep what an earlier run has marked", async () => {
    const machine = await started();
    const earlier = await machine.open();
    await earlier.guest.pause();
    await earlier.close(["stopped"]);
    const [first, second] = machine.disks;
    const none = { ...second!, disk: { ...second!.disk, node: "none" } };
    await expect(machine.open({ disks: [first!, none] })).rejects.toMatchObject({ code: "refused" });
    expect([await machine.traces(), machine.warnings]).toEqual([["blkmig.m1.mark.stopped"], []]);
    await (await machine.open()).close();
  });

  it("undo all when the opening is given up", async () => {
    const machine = await started();
    const giveUp = new AbortController();
    const after = async (does: string): Promise<void> => {
      if (does === "block-export-add") giveUp.abort(new Error("given up"));
    };
    const opening = machine.open({ qmp: around(machine.qmp, { after }), signal: giveUp.signal });
    await expect(opening).rejects.toThrow("given up");
    expect([await machine.traces(), machine.warnings]).toEqual([[], []]);
    await (await machine.open()).close();
  });

  it("leave a server alone that runs already", async () => {
    const machine = await started();
    const socket = join(machine.folder, "theirs");
    await machine.qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: socket } } });
    await expect(machine.open()).rejects.toMatchObject({
      code: "busy",
      message: expect.stringMatching(/NBD server runs already/u),
    });
    expect([await machine.traces(), existsSync(socket)]).toEqual([[], true]);
    await machine.qmp.execute("nbd-server-stop");
  });

  it("leave a server alone that somebody has started since theirs was stopped", async () => {
    const machine = await started();
    const { close } = await machine.open();
    const socket = join(machine.folder, "theirs");
    await machine.qmp.execute("nbd-server-stop");
    await machine.qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: socket } } });
    await close();
    expect([await machine.traces(), existsSync(socket)]).toEqual([[], true]);
    await machine.qmp.execute("nbd-server-stop");
  });

  it("take away as much as they can, whatever fails, and the rest when they are closed again", async () => {
    const machine = await started();
    const fails = new Set(["block-dirty-bitmap-remove", "nbd-server-stop"]);
    const before = async (does: string): Promise<void> => {
      if (fails.delete(does)) throw new QemuError("timeout", "", `${does} fails`);
    };
    const { tracker, close } = await machine.open({ qmp: around(machine.qmp, { before }) });
    await tracker.start();
    await expect(close()).rejects.toThrow(": block-dirty-bitmap-remove fails");
    expect(await machine.traces()).toEqual(["blkmig.m1.writes.0"]);
    await close();
    expect(await machine.traces()).toEqual([]);
    await (await machine.open()).close();
  });

  it("never keep QEMU from stopping its guest, whoever asks for it while they are asked", async () => {
    const machine = await started();
    const { tracker } = await machine.open();
    const writers = [await machine.writer(0), await machine.writer(1)];
    await tracker.start();
    let isOver = false;
    const stopping = (async () => {
      while (!isOver) {
        await machine.second.execute("stop");
        await machine.second.execute("cont");
      }
    })();
    for (let time = 0; time < 15; time++) {
      for (const writer of writers) await writer.write(time * MiB, [new Uint8Array(4096)]);
      expect(runsOf(await tracker.sync()).map(({ length }) => length)).toEqual([1, 1]);
    }
    isOver = true;
    await stopping;
  });

  it("leave a file alone that is where their socket shall be", async () => {
    const machine = await started();
    writeFileSync(join(machine.folder, "nbd"), "mine");
    await expect(machine.open()).rejects.toMatchObject({
      code: "busy",
      message: expect.stringMatching(/is there already/u),
    });
    expect(existsSync(join(machine.folder, "nbd"))).toBe(true);
    const socket = join(machine.folder, "x".repeat(107));
    await expect(machine.open({ socket })).rejects.toThrow(
      /too long for a unix socket: it has \d+ bytes, and 107 is most/u,
    );
  });

  it("fail at once when QEMU goes away, and nobody waits for it", async () => {
    const machine = await started();
    const { disks, tracker, close, guest } = await machine.open();
    await tracker.start();
    await machine.io(0, "write -P 7 0 4k");
    const after = Promise.allSettled([tracker.sync(), disks[0]!.device.read(0, new Uint8Array(8 * MiB))]);
    await machine.qemu.kill();
    await after;
    await expect(disks[1]!.device.read(0, new Uint8Array(512))).rejects.toMatchObject({ name: "DeviceError" });
    await expect(tracker.sync()).rejects.toMatchObject({ name: "QemuError", code: "gone" });
    await expect(guest.pause()).rejects.toMatchObject({ code: "gone" });
    await expect(close()).rejects.toMatchObject({ code: "gone" });
    expect(existsSync(join(machine.folder, "nbd"))).toBe(false);
  });
});
