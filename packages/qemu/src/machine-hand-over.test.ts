import { describe, expect, it } from "vitest";

import { handed, held, sending } from "./machine-fake-pair.test-kit.ts";
import { passUntil, refuse, settle } from "./machine-fake.test-kit.ts";

describe("a machine that is handed over", () => {
  it("has let go of the disks before it goes on, and waits there", async () => {
    const { source, destination, live, move, clock } = await held();
    source.answers["migrate-continue"] = () => {
      expect(live.releases).toBe(1);
      source.reach("completed");
      source.guest = "postmigrate";
      destination.guest = "paused";
    };
    await passUntil(clock, move.handOver());
    expect(destination.calls).not.toContain("cont");
    await move.resumeThere();
    expect(destination.guest).toBe("running");
  });

  it("waits while both say that they are not there yet", async () => {
    const { source, destination, move, clock } = await held();
    source.answers["migrate-continue"] = () => source.reach("completed");
    const handing = move.handOver();
    await settle();
    destination.guest = "finish-migrate";
    for (let turn = 0; turn < 5; turn++) {
      clock.pass(50);
      await settle();
    }
    destination.guest = "paused";
    clock.pass(50);
    await settle();
    source.guest = "postmigrate";
    await passUntil(clock, handing);
    expect(destination.calls).not.toContain("quit");
  });

  it("is believed when only a question, and no event, says that it is complete", async () => {
    const { source, destination, move, clock } = await held();
    source.answers["migrate-continue"] = () => {
      source.migration = { ...source.migration, status: "completed" };
      source.guest = "postmigrate";
      destination.guest = "paused";
    };
    await passUntil(clock, move.handOver());
    await move.resumeThere();
    expect(destination.guest).toBe("running");
  });

  it("is not begun with a destination that QEMU says is gone, and the disks stay", async () => {
    const { source, live, move } = await held();
    source.migration = { ...source.migration, "error-desc": "Channel error" };
    await expect(move.handOver()).rejects.toThrow("QEMU's migration cannot go on: Channel error");
    expect(live.releases).toBe(0);
    expect(source.calls).not.toContain("migrate-continue pre-switchover");
  });

  it("fails where the disks are not let go of", async () => {
    const { source, live, move } = await held();
    live.release = async () => void refuse("timeout", "BLOCK_EXPORT_DELETED did not come")({});
    await expect(move.handOver()).rejects.toMatchObject({ code: "migration", cause: { code: "timeout" } });
    expect(source.calls).not.toContain("migrate-continue pre-switchover");
  });

  it("fails where the guest was resumed while the disks were let go of", async () => {
    const { source, live, move } = await held();
    live.release = async () => {
      source.guest = "running";
      source.emit("RESUME");
    };
    await expect(move.handOver()).rejects.toThrow("the guest runs here again");
    expect(source.calls).not.toContain("migrate-continue pre-switchover");
  });

  it("fails with a guest that was never seen to stop", async () => {
    const { source, move } = await sending();
    source.guest = "finish-migrate";
    source.reach("pre-switchover");
    await move.guest.pause();
    await expect(move.handOver()).rejects.toThrow("the guest is not stopped for QEMU's migration");
    expect(source.calls).not.toContain("migrate-continue pre-switchover");
  });

  it("fails where somebody else has let it go on", async () => {
    const { source, move } = await held();
    source.reach("device");
    await expect(move.handOver()).rejects.toThrow("QEMU's migration was let go on by somebody else");
  });

  it("fails after a minute without a verdict, and its destination is ended", async () => {
    const { source, destination, move, clock } = await held();
    source.answers["migrate-continue"] = () => source.reach("device");
    const began = clock.now();
    await expect(passUntil(clock, move.handOver(), 500)).rejects.toThrow("has not completed within 60 s");
    expect(clock.now() - began).toBeGreaterThanOrEqual(60_000);
    expect(destination.calls.at(-1)).toBe("quit");
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("running");
  });

  it("fails where it runs there by itself, and that is ended", async () => {
    const { destination, move, clock } = await held();
    const handing = move.handOver();
    await settle();
    destination.guest = "running";
    await expect(passUntil(clock, handing)).rejects.toThrow("runs the machine by itself");
    expect(destination.calls.at(-1)).toBe("quit");
  });

  it("is not run there when somebody has resumed it here", async () => {
    const { source, destination, move } = await handed();
    source.guest = "running";
    source.emit("RESUME");
    await expect(move.resumeThere()).rejects.toMatchObject({ code: "changed" });
    expect(destination.calls).not.toContain("cont");
  });
});
