import { describe, expect, it } from "vitest";

import { fastClock } from "./machine-pair.test-kit.ts";
import { assertUntouched, converged, held, ROUTES, sending, SLOW, usePairs } from "./machine-steps.test-kit.ts";

describe.skipIf(ROUTES.length === 0).each(ROUTES)("a machine whose move fails, from $name", ({ qemus }) => {
  const start = usePairs(qemus);

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
      await expect(pair.move.guest.pause()).rejects.toThrow(/QEMU's migration was (?:cancelled|let go on)/u);
      if (isHeld) await pair.move.guest.resume();
      expect(pair.live.releases).toBe(0);
      await assertUntouched(pair, before);
    },
  );

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
});
