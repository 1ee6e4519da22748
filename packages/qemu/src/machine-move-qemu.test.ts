import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it, vi } from "vitest";

import { CONVERGED } from "./machine-disks.test-kit.ts";
import { fastClock, type MachinePair, type MachinePairOptions, startMachinePair } from "./machine-pair.test-kit.ts";
import { QEMUS } from "./real-qemu.test-kit.ts";

/** Bytes a second: the memory takes some ten seconds. */
const SLOW = 50_000;
const PATIENCE = { timeout: 15_000, interval: 5 };

const folder = mkdtempSync(join(tmpdir(), "blkmig-machine-"));
const pairs: MachinePair[] = [];

afterEach(async () => {
  await Promise.all(pairs.splice(0).map((pair) => pair.end()));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ROUTES = QEMUS.flatMap((from, at) => QEMUS.slice(at).map((to) => [from, to] as const));

describe
  .skipIf(QEMUS.length === 0)
  .each(ROUTES.map((qemus) => ({ name: qemus.map(({ name }) => name).join(" to "), qemus })))(
  "a machine from $name",
  ({ qemus }) => {
    const start = async (options: Partial<MachinePairOptions> = {}): Promise<MachinePair> => {
      const pair = await startMachinePair({ folder, qemus, ...options });
      pairs.push(pair);
      return pair;
    };
    const converged = ({ move }: MachinePair): Promise<boolean> =>
      vi.waitUntil(() => move.converges(CONVERGED), PATIENCE);
    const migration = async ({ source }: MachinePair): Promise<unknown> =>
      ((await source.execute("query-migrate")) as { status?: string }).status;
    const sending = (pair: MachinePair): Promise<unknown> =>
      vi.waitUntil(() => pair.move.converges(CONVERGED) || (pair.move.figures?.transferred ?? 0) > 0, PATIENCE);
    const held = async (pair: MachinePair): Promise<void> => {
      await converged(pair);
      expect(await pair.move.guest.pause()).toBeUndefined();
      expect(await pair.guests()).toEqual(["finish-migrate", "inmigrate"]);
    };
    /** It goes on here, as if nothing had been. */
    const assertUntouched = async (pair: MachinePair, before: string): Promise<void> => {
      await pair.move.close();
      expect(await pair.settings()).toBe(before);
      expect([...pair.live.marks]).toEqual([]);
      const [here, there] = await pair.guests();
      expect(here).toBe("running");
      expect(there).not.toBe("running");
      expect(pair.move.downtime).toBeUndefined();
    };

    it("moves, and runs there when it is told to", async () => {
      const pair = await start();
      await pair.move.prepare();
      expect(await pair.guests()).toEqual(["running", "inmigrate"]);
      expect(pair.move.downtime).toBeUndefined();
      await held(pair);
      expect([...pair.live.marks]).toEqual(["machine"]);
      expect(pair.live.releases).toBe(0);
      await pair.move.handOver();
      expect(pair.live.releases).toBe(1);
      expect(await pair.guests()).toEqual(["postmigrate", "paused"]);
      await pair.move.resumeThere();
      expect(await pair.guests()).toEqual(["postmigrate", "running"]);
      const downtime = pair.move.downtime;
      expect(downtime).toBeGreaterThan(0);
      await pair.move.close();
      expect(pair.move.downtime).toBe(downtime);
      expect([...pair.live.marks]).toEqual(["machine"]);
      expect(pair.warnings).toEqual([]);
    });

    it("says figures while its memory is sent, and sends none before the disks have converged", async () => {
      const pair = await start({ bandwidth: SLOW });
      await pair.move.prepare();
      expect(pair.move.converges({ ...CONVERGED, bulkDone: false })).toBe(false);
      expect(pair.move.converges({ ...CONVERGED, pending: 1e9 })).toBe(false);
      expect(await migration(pair)).toBeUndefined();
      expect(pair.move.figures).toBeUndefined();
      await sending(pair);
      expect(await migration(pair)).toBe("active");
      const { figures } = pair.move;
      expect(figures?.total).toBeGreaterThan(90e6);
      expect(figures?.remaining).toBeGreaterThan(0);
      expect(pair.move.converges(CONVERGED)).toBe(false);
    });

    // Under TCG 7.2 finds next to nothing when it looks for the third time, whatever its guest writes: run here.
    const looks = !qemus[0].name.startsWith("QEMU 7.");
    it.runIf(looks)(
      "is not held while its guest writes more memory than the limit allows, and is when it does not",
      async () => {
        const pair = await start({ isBusy: true, bandwidth: 500_000 });
        const before = await pair.settings();
        await pair.move.prepare();
        const { move } = pair;
        await vi.waitUntil(() => move.converges(CONVERGED) || move.figures?.expectedDowntime !== undefined, PATIENCE);
        expect(move.figures?.expectedDowntime).toBeGreaterThan(CONVERGED.downtimeLimit);
        expect(move.converges(CONVERGED)).toBe(false);
        expect(move.converges({ ...CONVERGED, downtimeLimit: 60_000 })).toBe(true);
        expect(await move.guest.pause()).toBe("not-yet");
        expect(await pair.guests()).toEqual(["running", "inmigrate"]);
        expect(await pair.settings()).toBe("events return-path pause-before-switchover 1");
        await pair.source.execute("migrate-set-parameters", { "max-bandwidth": 100_000_000 });
        await held(pair);
        await pair.move.handOver();
        await pair.move.resumeThere();
        expect(await pair.guests()).toEqual(["postmigrate", "running"]);
        expect(before).toBe("300");
      },
    );

    it("goes on here when its destination is dead before anything is sent", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await pair.there.kill();
      await converged(pair);
      await expect(pair.move.guest.pause()).rejects.toThrow(/QEMU's migration has failed: .*Connection refused/u);
      await assertUntouched(pair, before);
    });

    it("goes on here when its destination dies while memory is sent", async () => {
      const pair = await start({ bandwidth: SLOW });
      const before = await pair.settings();
      await pair.move.prepare();
      await sending(pair);
      await pair.there.kill();
      await converged(pair);
      await expect(pair.move.guest.pause()).rejects.toMatchObject({ name: "QemuError", code: "migration" });
      await assertUntouched(pair, before);
    });

    it("goes on here when its destination dies while the guest is held", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      await pair.there.kill();
      await expect(pair.move.handOver()).rejects.toMatchObject({ code: "migration" });
      expect(pair.live.releases).toBe(0);
      await pair.move.guest.resume();
      expect((await pair.guests())[0]).toBe("running");
      await assertUntouched(pair, before);
    });

    it("goes on here when its destination dies in the switchover", async () => {
      const pair = await start({ onRelease: ({ there }) => process.kill(there.pid, "SIGSTOP") });
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      pair.source.watch(({ data }) => {
        if (data["status"] === "device") void pair.there.kill();
      });
      await expect(pair.move.handOver()).rejects.toMatchObject({ code: "migration" });
      await pair.move.guest.resume();
      await assertUntouched(pair, before);
    });

    it("goes on here when its destination stands still while the guest is held", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      process.kill(pair.there.pid, "SIGSTOP");
      await expect(pair.move.handOver()).rejects.toThrow(/query-status: no answer within 2 s/u);
      await pair.move.guest.resume();
      process.kill(pair.there.pid, "SIGCONT");
      await assertUntouched(pair, before);
    });

    it("goes on here when its destination stands still in the switchover, and ends that when it wakes", async () => {
      const pair = await start({
        clock: fastClock(30),
        onRelease: ({ there }) => process.kill(there.pid, "SIGSTOP"),
      });
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      await expect(pair.move.handOver()).rejects.toThrow("QEMU's migration has not completed within 60 s");
      expect(pair.warnings).toEqual([expect.stringContaining("if the destination QEMU still lives")]);
      // A source that has more to send than the wire takes answers nothing while its destination stands still.
      const outcome = await pair.move.guest.resume().catch((error: unknown) => error);
      if (outcome !== undefined)
        expect(outcome).toMatchObject({ code: "timeout", message: expect.stringContaining("--clean") });
      process.kill(pair.there.pid, "SIGCONT");
      await pair.there.exited;
      await pair.move.guest.resume();
      await assertUntouched(pair, before);
    });

    it.each(["while memory is sent", "while the guest is held"])(
      "goes on here when somebody cancels it %s",
      async (when) => {
        const isHeld = when.includes("held");
        const pair = await start(isHeld ? {} : { bandwidth: SLOW });
        const before = await pair.settings();
        await pair.move.prepare();
        if (isHeld) await held(pair);
        else await sending(pair);
        await pair.source.execute("migrate_cancel");
        if (isHeld) await expect(pair.move.handOver()).rejects.toMatchObject({ code: "migration" });
        else await converged(pair);
        await expect(pair.move.guest.pause()).rejects.toThrow(/QEMU's migration was cancelled/u);
        if (isHeld) await pair.move.guest.resume();
        expect(pair.live.releases).toBe(0);
        await assertUntouched(pair, before);
      },
    );

    it("is cancelled when the guest is given back", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      await pair.move.guest.resume();
      expect((await pair.guests())[0]).toBe("running");
      await pair.there.exited;
      await expect(pair.move.guest.pause()).rejects.toThrow(/its destination has gone: start that again/u);
      await assertUntouched(pair, before);
    });

    it("is given back even when the destination has everything", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await held(pair);
      await pair.move.handOver();
      await pair.move.guest.resume();
      await pair.there.exited;
      await assertUntouched(pair, before);
    });

    it("is ended there when somebody lets it run before the commit", async () => {
      const pair = await start();
      const before = await pair.settings();
      await pair.move.prepare();
      await pair.destination.execute("cont");
      await held(pair);
      await expect(pair.move.handOver()).rejects.toThrow(/the destination runs the machine by itself/u);
      await pair.there.exited;
      await pair.move.guest.resume();
      await assertUntouched(pair, before);
    });

    it("leaves a guest that stood still alone, here and there", async () => {
      const pair = await start();
      await pair.source.execute("stop");
      await pair.move.prepare();
      await held(pair);
      await pair.move.handOver();
      await pair.move.resumeThere();
      expect(await pair.guests()).toEqual(["postmigrate", "paused"]);
      expect(pair.move.downtime).toBeUndefined();
    });

    it("is ended by close() while its memory is sent", async () => {
      const pair = await start({ bandwidth: SLOW });
      const before = await pair.settings();
      await pair.move.prepare();
      await sending(pair);
      await assertUntouched(pair, before);
      expect(await migration(pair)).toBe("cancelled");
    });

    it("is refused where the destination does not wait, and nothing is changed", async () => {
      const pair = await start({ startThere: [] });
      const before = await pair.settings();
      await expect(pair.move.prepare()).rejects.toThrow(/it is 'running'\): start it with -S -incoming/u);
      expect(await pair.settings()).toBe(before);
      expect(await pair.guests()).toEqual(["running", "running"]);
    });

    it("is refused beside postcopy, and while another migration is under way", async () => {
      const pair = await start();
      const postcopy = (state: boolean) => ({ capabilities: [{ capability: "postcopy-ram", state }] });
      await pair.source.execute("migrate-set-capabilities", postcopy(true));
      await expect(pair.move.prepare()).rejects.toThrow(/'postcopy-ram' is on: .*; switch it off/u);
      await pair.source.execute("migrate-set-capabilities", postcopy(false));
      const paused = { capabilities: [{ capability: "pause-before-switchover", state: true }] };
      await pair.source.execute("migrate-set-capabilities", paused);
      await pair.source.execute("migrate", { uri: `exec:cat >/dev/null` });
      await expect(pair.move.prepare()).rejects.toMatchObject({ code: "busy" });
    });
  },
);
