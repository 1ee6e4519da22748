import { describe, expect, it } from "vitest";

import { joinGuests } from "./join-guests.ts";
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
});
