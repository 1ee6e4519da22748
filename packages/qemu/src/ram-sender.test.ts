import { describe, expect, it } from "vitest";

import { CONVERGED } from "./machine-disks.test-kit.ts";
import { createFakePair, sending } from "./machine-fake-pair.test-kit.ts";
import { passUntil, ram, refuse, settle } from "./machine-fake.test-kit.ts";

const MUCH = ram({ remaining: 1e9 });
const NOT_FIT = { ...CONVERGED, pending: 1e9 };

describe("a memory that is sent", () => {
  it("is begun once, and marked before", async () => {
    const { source, live, move } = createFakePair();
    source.answers["migrate"] = () => {
      expect([...live.marks]).toEqual(["before-rpe-300", "machine"]);
      source.reach("active", MUCH);
    };
    await move.prepare();
    for (let turn = 0; turn < 3; turn++) {
      expect(move.converges(CONVERGED)).toBe(false);
      await settle();
    }
    expect(source.calls.filter((call) => call.startsWith("migrate "))).toEqual(["migrate tcp:there:4444"]);
  });

  it("is asked about four times a second, and not again before it has answered", async () => {
    const { source, clock } = await sending(MUCH);
    const asked = (): number => source.calls.filter((call) => call === "query-migrate").length;
    const pass = async (times: number): Promise<void> => {
      for (let turn = 0; turn < times; turn++) {
        clock.pass(250);
        await settle();
      }
    };
    const before = asked();
    await pass(4);
    expect(asked()).toBe(before + 4);
    let answer = (): void => {};
    source.answers["query-migrate"] = () =>
      new Promise<object>((resolve) => (answer = () => resolve(source.migration)));
    await pass(8);
    expect(asked()).toBe(before + 5);
    answer();
    await settle();
    await pass(1);
    expect(asked()).toBe(before + 6);
  });

  it("is asked about no more when all is closed", async () => {
    const { source, clock, move } = await sending(MUCH);
    await passUntil(clock, move.close());
    const { length } = source.calls;
    clock.pass(250);
    await settle();
    expect(source.calls).toHaveLength(length);
    expect(clock.sleepers).toBe(0);
  });

  it("is not begun where QEMU refuses it: the guest was never stopped, and no mark is left", async () => {
    const { source, live, move } = createFakePair();
    source.answers["migrate"] = refuse("refused", "State blocked by non-migratable device");
    await move.prepare();
    move.converges(CONVERGED);
    await settle();
    expect(move.converges(NOT_FIT)).toBe(true);
    await expect(move.guest.pause()).rejects.toThrow(/could not begin: .*non-migratable device/u);
    await move.close();
    expect([...live.marks]).toEqual([]);
    expect(source.downtimeLimit).toBe(300);
  });

  it("that fails is told by pause(), in QEMU's words", async () => {
    const { source, move } = await sending(MUCH);
    source.reach("failed", { "error-desc": "Connection reset by peer" });
    expect(move.converges(NOT_FIT)).toBe(true);
    await expect(move.guest.pause()).rejects.toMatchObject({
      code: "migration",
      message: "unix:///a: QEMU's migration has failed: Connection reset by peer",
    });
  });

  it("is over with its monitor, and close() does not mind", async () => {
    const { source, move, warnings } = await sending(MUCH);
    source.die();
    expect(move.converges(NOT_FIT)).toBe(true);
    await expect(move.guest.pause()).rejects.toThrow("the monitor has closed");
    await move.close();
    expect(warnings).toEqual([]);
  });
});
