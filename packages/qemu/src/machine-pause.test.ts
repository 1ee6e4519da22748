import { describe, expect, it } from "vitest";

import type { DisksView } from "./machine-contract.ts";
import { CONVERGED } from "./machine-disks.test-kit.ts";
import { sending, stopAt } from "./machine-fake-pair.test-kit.ts";
import { passUntil, ram, settle } from "./machine-fake.test-kit.ts";

describe("a guest that is to be held", () => {
  it("is left what the disks leave of the limit", async () => {
    const pair = await sending(ram({ expected: 100 }));
    const disks: DisksView = { bulkDone: true, pending: 150e6, bandwidth: 1e9, downtimeLimit: 280 };
    expect(pair.move.converges(disks)).toBe(true);
    const pausing = pair.move.guest.pause();
    await settle();
    expect(pair.source.downtimeLimit).toBe(130);
    stopAt(pair, "pre-switchover");
    expect(await pausing).toBeUndefined();
  });

  it("is left a few milliseconds where the disks need all", async () => {
    const { source, move } = await sending();
    expect(move.converges({ ...CONVERGED, pending: 300e6 })).toBe(true);
    void move.guest.pause();
    await settle();
    expect(source.downtimeLimit).toBe(5);
  });

  it("may be stopped from the begin on, but for as long as the disks do not fit", async () => {
    const { source, move } = await sending(ram({ remaining: 1e9 }));
    expect(source.downtimeLimit).toBe(300);
    const limits: number[] = [];
    for (const pending of [10e6, 301e6, 400e6, 200e6, 210e6, 300e6]) {
      move.converges({ ...CONVERGED, pending });
      await settle();
      limits.push(source.downtimeLimit);
    }
    expect(limits).toEqual([300, 1, 1, 100, 100, 5]);
  });

  it("says not yet, and is not asked again before another pass of its memory", async () => {
    const { source, move, clock } = await sending(ram({ expected: 10, passes: 3 }));
    expect(move.converges(CONVERGED)).toBe(true);
    expect(await passUntil(clock, move.guest.pause())).toBe("not-yet");
    expect(source.downtimeLimit).toBe(1);
    expect(source.guest).toBe("running");
    expect(move.converges(CONVERGED)).toBe(false);
    source.migration = { ...source.migration, ...ram({ expected: 10, passes: 4 }) };
    clock.pass(250);
    await settle();
    expect(move.converges(CONVERGED)).toBe(true);
  });

  it("that stops while the limit is taken back is waited for", async () => {
    const pair = await sending();
    const { source, move, clock } = pair;
    source.answers["migrate-set-parameters"] = ({ "downtime-limit": limit }) => {
      if (limit === 1) stopAt(pair, "");
    };
    expect(move.converges(CONVERGED)).toBe(true);
    let said: unknown = "nothing";
    const pausing = move.guest.pause().then((word) => (said = word));
    for (let turn = 0; turn < 50; turn++) {
      clock.pass(100);
      await settle();
    }
    expect(said).toBe("nothing");
    source.reach("pre-switchover");
    expect(await pausing).toBeUndefined();
    expect(move.downtime).toBeGreaterThan(2000);
  });

  it("that QEMU has stopped makes it time at once, whatever the disks say", async () => {
    const pair = await sending(ram({ remaining: 1e9 }));
    expect(pair.move.converges(CONVERGED)).toBe(false);
    stopAt(pair, "");
    await settle();
    expect(pair.move.converges({ ...CONVERGED, pending: 1e9 })).toBe(true);
  });

  it("that an operator stops meanwhile is not ours: nothing hurries, and it is never resumed", async () => {
    const { source, move, clock } = await sending(ram({ remaining: 1e9 }));
    source.guest = "paused";
    source.emit("STOP");
    await settle();
    expect(move.converges(CONVERGED)).toBe(false);
    source.reach("pre-switchover");
    await move.guest.pause();
    source.answers["migrate_cancel"] = () => source.reach("cancelled");
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("paused");
    expect(source.calls).not.toContain("cont");
    expect(move.downtime).toBeUndefined();
  });

  it("that somebody stops and resumes while it is waited for is let switch over all the same", async () => {
    const pair = await sending();
    const { source, move } = pair;
    stopAt(pair, "");
    const pausing = move.guest.pause();
    await settle();
    source.guest = "running";
    source.emit("RESUME");
    await settle();
    expect(source.downtimeLimit).toBe(300);
    stopAt(pair, "pre-switchover");
    expect(await pausing).toBeUndefined();
  });

  it("runs when pause() fails", async () => {
    const pair = await sending();
    const { source, move, clock } = pair;
    stopAt(pair, "");
    await expect(passUntil(clock, move.guest.pause(), 1000)).rejects.toThrow("QEMU's migration stands still");
    expect(source.guest).toBe("running");
  });
});
