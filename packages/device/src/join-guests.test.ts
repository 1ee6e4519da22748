import { describe, expect, it } from "vitest";

import { joinGuests } from "./join-guests.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";
import type { Guest } from "./tracking.ts";

function createLogged(name: string, log: string[], failing: readonly string[] = []): Guest {
  const perform = async (what: string) => {
    log.push(`${what} ${name}`);
    if (failing.includes(what)) throw new Error(`${name} would not ${what}`);
  };
  return { pause: () => perform("pause"), resume: () => perform("resume") };
}

describe("joinGuests", () => {
  it("pauses all, and resumes them in reverse", async () => {
    const log: string[] = [];
    const joined = joinGuests([createLogged("a", log), createLogged("b", log)]);
    await joined.pause();
    await joined.resume();
    expect(log).toEqual(["pause a", "pause b", "resume b", "resume a"]);
  });

  it("resumes those that paused when one will not, and fails", async () => {
    const log: string[] = [];
    const joined = joinGuests([createLogged("a", log), createLogged("b", log, ["pause"]), createLogged("c", log)]);
    await expect(joined.pause()).rejects.toThrow("b would not pause");
    expect(log).toEqual(["pause a", "pause b", "pause c", "resume c", "resume a"]);
  });

  it("resumes those that paused when one says not yet, and says so", async () => {
    const log: string[] = [];
    const restless: Guest = { ...createLogged("b", log), pause: async () => "not-yet" };
    const joined = joinGuests([createLogged("a", log), restless, createLogged("c", log)]);
    expect(await joined.pause()).toBe("not-yet");
    expect(log).toEqual(["pause a", "pause c", "resume c", "resume a"]);
  });

  it("fails when one will not pause, though another says not yet, and resumes neither", async () => {
    const log: string[] = [];
    const restless: Guest = { ...createLogged("a", log), pause: async () => "not-yet" };
    const joined = joinGuests([restless, createLogged("b", log, ["pause"])]);
    await expect(joined.pause()).rejects.toThrow("b would not pause");
    expect(log).toEqual(["pause b"]);
  });

  it("resumes all though one fails, and says so", async () => {
    const log: string[] = [];
    const joined = joinGuests([createLogged("a", log), createLogged("b", log, ["resume"])]);
    await expect(joined.resume()).rejects.toThrow("b would not resume");
    expect(log).toEqual(["resume b", "resume a"]);
  });

  it("names every failure when there are several", async () => {
    const joined = joinGuests([createLogged("a", [], ["resume"]), createLogged("b", [], ["pause"])]);
    await expect(joined.pause()).rejects.toMatchObject({
      errors: [{ message: "b would not pause" }, { message: "a would not resume" }],
    });
  });

  it("throttles all, each to an equal share, so that together they keep to the rate", () => {
    const log: string[] = [];
    const throttled = (name: string): Guest => ({
      ...createLogged(name, log),
      throttle: (rate) => void log.push(`${name} ${rate}`),
    });
    const joined = joinGuests([throttled("a"), throttled("b")]);
    joined.throttle!(1000);
    joined.throttle!(undefined);
    expect(log).toEqual(["a 500", "b 500", "a undefined", "b undefined"]);
  });

  it("mirrors the nth guest's writes as disk n", async () => {
    const disks = [0, 1, 2].map(() => trackWrites(createMemoryDevice({ size: 4096 }), { granularity: 512 }));
    const joined = joinGuests(disks.map(({ control }) => control));
    await Promise.all(disks.map(({ tracker }) => tracker.start()));
    const begun: number[][] = [];
    joined.mirror!({
      async begin(...place) {
        begun.push(place);
        return { async carry() {}, end() {} };
      },
    });
    for (const [nth, { guest }] of disks.entries()) await guest.zero(nth * 10, 7);
    joined.mirror!(undefined);
    await disks[0]!.guest.zero(0, 1);
    expect(begun).toEqual([
      [0, 0, 7],
      [1, 10, 7],
      [2, 20, 7],
    ]);
  });

  it("can only do what all of them can", () => {
    const plain = createLogged("a", []);
    const throttled: Guest = { ...plain, throttle() {} };
    const { control } = trackWrites(createMemoryDevice({ size: 4096 }), { granularity: 512 });
    const abilities = (...guests: Guest[]) => Object.keys(joinGuests(guests)).filter((key) => !(key in plain));
    expect(abilities(control, control)).toEqual(["throttle", "mirror"]);
    expect(abilities(control, throttled)).toEqual(["throttle"]);
    expect(abilities(throttled, plain, control)).toEqual([]);
  });
});
