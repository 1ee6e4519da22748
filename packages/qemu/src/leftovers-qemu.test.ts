import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openNbd } from "@blkmig/nbd";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { cutAfter, wasWhole } from "./cut-qmp.test-kit.ts";
import { cleanLeftover, findLeftovers } from "./leftovers.ts";
import type { Mark } from "./live-contract.ts";
import { formatName, type OurName } from "./names.ts";
import type { Qmp } from "./qmp-contract.ts";
import { type InstalledQemu, QEMUS, type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

const M = "m-1";
const MiB = 1024 * 1024;
const ours = (name: OurName): string => formatName(M, name);

describe.skipIf(QEMUS.length === 0)("leftovers in a real QEMU (needs qemu-system-x86_64)", () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-leftovers-"));
  const ends: (() => unknown)[] = [];
  let count = 0;
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const fresh = (kind: string): string => join(folder, `${(count += 1)}.${kind}`);

  async function started(command: InstalledQemu["command"], ...more: readonly string[]) {
    const disks = ["n0", "n1"].flatMap((node) => {
      const path = fresh("raw");
      writeFileSync(path, "");
      truncateSync(path, 4 * MiB);
      const blockdev = `driver=raw,node-name=${node},file.driver=file,file.filename=${path}`;
      return ["-blockdev", blockdev, "-device", `virtio-blk-pci,drive=${node},id=v${node}`];
    });
    const qemu = await startRealQemu({ path: fresh("qmp"), args: [...disks, ...more], binary: command });
    ends.push(qemu.kill);
    const qmp = await connectQmp(qemu.address);
    ends.push(() => qmp.close());
    return { qemu, qmp };
  }

  /** All that a run can have had there when it was killed, in the middle of its second pass. */
  async function leave(qmp: Qmp, marks: readonly Mark[]): Promise<string> {
    const socket = fresh("nbd");
    await putBitmap(qmp, "n0", { is: "server", pid: 1, start: "99999999999999" }, true);
    await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: socket } } });
    for (const [disk, node] of [[0, "n0"] as const, [1, "n1"] as const]) {
      await putExport(qmp, node, { is: "disk", disk });
      await putBitmap(qmp, node, { is: "writes", pass: 1 }, true);
      await putBitmap(qmp, node, { is: "writes", pass: 2 }, false);
      await putExport(qmp, node, { is: "pass", pass: 1, disk }, [ours({ is: "writes", pass: 1 })]);
    }
    for (const mark of marks) await putBitmap(qmp, "n0", { is: "mark", mark }, true);
    return socket;
  }

  /** Nothing of ours, and no NBD server either: one can be started. */
  async function expectClean(qmp: Qmp): Promise<void> {
    expect(await findLeftovers(qmp)).toEqual([]);
    const capabilities = (await qmp.execute("query-migrate-capabilities")) as readonly object[];
    expect(capabilities).toContainEqual({ capability: "pause-before-switchover", state: false });
    await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: fresh("nbd") } } });
    await qmp.execute("nbd-server-stop");
  }

  describe.each(QEMUS)("$name", ({ command }) => {
    it.each<{ marks: readonly Mark[]; outcome?: "kept" | "moved"; guest: string; status: string; left: Mark[] }>([
      { marks: ["stopped"], guest: "running", status: "running", left: [] },
      { marks: ["stopped", "asked"], guest: "left-stopped", status: "paused", left: ["stopped", "asked"] },
      { marks: ["stopped", "asked"], outcome: "kept", guest: "running", status: "running", left: [] },
      {
        marks: ["stopped", "asked"],
        outcome: "moved",
        guest: "left-stopped",
        status: "paused",
        left: ["stopped", "moved"],
      },
    ])("$marks, $outcome: is cleaned, and goes on where a cleaner was cut off", async (row) => {
      const { qmp } = await started(command);
      const options = row.outcome ? { outcome: row.outcome } : {};
      for (let step = 1, isWhole = false; !isWhole; step += 3) {
        await qmp.execute("stop");
        const socket = await leave(qmp, row.marks);
        const url = { at: { kind: "unix", path: socket }, secure: false } as const;
        const name = ours({ is: "pass", pass: 1, disk: 1 });
        const dirtyBitmap = ours({ is: "writes", pass: 1 });
        const reader = await openNbd({ ...url, exportName: name }, { dirtyBitmap, reconnectFor: 0 });
        const [found] = await findLeftovers(qmp);
        expect(found).toMatchObject({ migration: M, server: true, owner: undefined });
        expect([found!.exports.length, found!.bitmaps.length]).toEqual([4, 5 + row.marks.length]);

        isWhole = await wasWhole(cleanLeftover(cutAfter(qmp, step), found!, options));
        expect(await cleanLeftover(qmp, found!, options)).toBe(row.guest);
        expect(await qmp.execute("query-status")).toMatchObject({ status: row.status });
        expect(new Set((await findLeftovers(qmp)).flatMap(({ marks }) => marks))).toEqual(new Set(row.left));
        // Whoever still read there has nothing to read any more.
        await expect(reader.read(0, new Uint8Array(512))).rejects.toMatchObject({ name: "DeviceError" });
        await reader.close();
        for (const mark of row.left) await removeMark(qmp, mark);
        await expectClean(qmp);
      }
    });

    it("somebody else's export and NBD server stay, and so does a guest that others have stopped", async () => {
      const { qmp } = await started(command);
      await leave(qmp, []);
      await qmp.execute("block-export-add", { type: "nbd", id: "theirs", "node-name": "n1" });
      await qmp.execute("block-dirty-bitmap-add", { node: "n1", name: "theirs" });
      await qmp.execute("stop");
      const [found] = await findLeftovers(qmp);
      expect(await cleanLeftover(qmp, found!)).toBe("stopped-by-others");
      expect(await qmp.execute("query-block-exports")).toMatchObject([{ id: "theirs", "shutting-down": false }]);
      expect(await findLeftovers(qmp)).toEqual([]);
      await qmp.execute("block-dirty-bitmap-remove", { node: "n1", name: "theirs" });
    });

    describe("and its memory's migration", () => {
      async function migrating(goOn: "pre-switchover" | "completed", wasStopped = false) {
        const socket = fresh("mig");
        const source = await started(command);
        const destination = await started(command, "-incoming", `unix:${socket}`);
        if (wasStopped) await source.qmp.execute("stop");
        await destination.qmp.execute("stop");
        await setCapabilities(source.qmp, ["events", "return-path", "pause-before-switchover"]);
        await setCapabilities(destination.qmp, ["events", "return-path"]);
        await leave(source.qmp, ["machine", "before-rpe-300"]);
        await migrate(source.qmp, `unix:${socket}`, "pre-switchover");
        if (goOn === "completed") {
          // As a run does that lets QEMU switch over: nothing of it may hold the disks.
          const [found] = await findLeftovers(source.qmp);
          await cleanLeftover(source.qmp, found!, { takeOver: true });
          await putBitmap(source.qmp, "n0", { is: "mark", mark: "stopped" }, true);
          await migrate(source.qmp, undefined, "completed");
        }
        return { source, destination };
      }

      it("is cancelled at pre-switchover, and the guest runs, at whatever step a cleaner was cut off", async () => {
        for (let step = 1, isWhole = false; !isWhole; step += 3) {
          const { source, destination } = await migrating("pre-switchover");
          expect(await source.qmp.execute("query-status")).toMatchObject({ status: "finish-migrate" });
          const [found] = await findLeftovers(source.qmp);
          isWhole = await wasWhole(cleanLeftover(cutAfter(source.qmp, step), found!));
          expect(await cleanLeftover(source.qmp, found!)).toBe("running");
          expect(await source.qmp.execute("query-status")).toMatchObject({ status: "running" });
          await expectClean(source.qmp);
          await destination.qemu.exited;
          await source.qemu.kill();
        }
      });

      it("has completed, and nobody was asked to commit: the guest comes back", async () => {
        for (let step = 1, isWhole = false; !isWhole; step += 3) {
          const { source, destination } = await migrating("completed");
          const [found] = await findLeftovers(source.qmp);
          isWhole = await wasWhole(cleanLeftover(cutAfter(source.qmp, step), found!));
          expect(await cleanLeftover(source.qmp, found!)).toBe("running");
          expect(await source.qmp.execute("query-status")).toMatchObject({ status: "running" });
          expect(await destination.qmp.execute("query-status")).toMatchObject({ status: "paused" });
          await expectClean(source.qmp);
          await killAll(source.qemu, destination.qemu);
        }
      });

      it("has completed, and commit was asked for: the guest runs only if the disks are known to be here", async () => {
        const { source } = await migrating("completed");
        await putBitmap(source.qmp, "n0", { is: "mark", mark: "asked" }, true);
        const [found] = await findLeftovers(source.qmp);
        expect(await cleanLeftover(source.qmp, found!)).toBe("left-stopped");
        expect(await source.qmp.execute("query-status")).toMatchObject({ running: false });
        expect(await findLeftovers(source.qmp)).toMatchObject([
          { marks: expect.arrayContaining(["asked", "machine"]) },
        ]);
        expect(await cleanLeftover(source.qmp, found!, { outcome: "kept" })).toBe("running");
        await expectClean(source.qmp);
      });

      it("stops a guest no more than others had: one that did not run before does not run after it", async () => {
        const { source } = await migrating("pre-switchover", true);
        const [found] = await findLeftovers(source.qmp);
        expect(await cleanLeftover(source.qmp, found!)).toBe("stopped-by-others");
        expect(await source.qmp.execute("query-status")).toMatchObject({ running: false });
        await expectClean(source.qmp);
      });
    });
  });
});

async function putBitmap(qmp: Qmp, node: string, name: OurName, disabled: boolean): Promise<void> {
  const granularity = disabled && name.is !== "writes" ? 2 ** 31 : 65536;
  await qmp.execute("block-dirty-bitmap-add", { node, name: ours(name), granularity, disabled });
}

async function putExport(qmp: Qmp, node: string, name: OurName, bitmaps: readonly string[] = []): Promise<void> {
  const id = ours(name);
  await qmp.execute("block-export-add", { type: "nbd", id, name: id, "node-name": node, bitmaps });
}

async function removeMark(qmp: Qmp, mark: Mark): Promise<void> {
  await qmp.execute("block-dirty-bitmap-remove", { node: "n0", name: ours({ is: "mark", mark }) });
}

async function setCapabilities(qmp: Qmp, names: readonly string[]): Promise<void> {
  const capabilities = names.map((capability) => ({ capability, state: true }));
  await qmp.execute("migrate-set-capabilities", { capabilities });
}

/** Begins (or goes on with) a migration, and settles when QEMU says so. */
async function migrate(qmp: Qmp, uri: string | undefined, until: string): Promise<void> {
  const events = qmp.events();
  if (uri === undefined) await qmp.execute("migrate-continue", { state: "pre-switchover" });
  else await qmp.execute("migrate", { uri });
  for await (const { event, data } of events) {
    if (event === "MIGRATION" && data["status"] === until) return;
    if (event === "MIGRATION" && data["status"] === "failed") throw new Error("QEMU's migration failed");
  }
}

async function killAll(...qemus: readonly RealQemu[]): Promise<void> {
  await Promise.all(qemus.map(async (qemu) => qemu.kill()));
}
