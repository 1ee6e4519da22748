import { describe, expect, it } from "vitest";

import { joinTrackers } from "./join-trackers.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";
import type { Tracker } from "./tracking.ts";

/** A tracker that logs what it is told, and fails where it is told to. */
function createLogged(name: string, log: string[], failing: readonly string[] = []): Tracker {
  const perform = async (what: string) => {
    log.push(`${what} ${name}`);
    if (failing.includes(what)) throw new Error(`${name} would not ${what}`);
  };
  return {
    start: () => perform("start"),
    async sync() {
      await perform("sync");
      return [];
    },
    stop: () => perform("stop"),
  };
}

describe("joinTrackers", () => {
  it("says the disks of all, in order, all at one instant", async () => {
    const size = 4096;
    const tracked = [1, 2, 3].map(() => trackWrites(createMemoryDevice({ size }), { granularity: 512 }));
    const joined = joinTrackers([tracked[0]!.tracker, joinTrackers([tracked[1]!.tracker, tracked[2]!.tracker])]);
    await joined.start();
    await tracked[1]!.guest.write(1024, [Uint8Array.of(1)]);
    const answer = joined.sync();
    // After the instant: it belongs to the next answer, on whichever disk it is.
    const late = tracked[2]!.guest.write(0, [Uint8Array.of(1)]);
    const runs = (await answer).map((set) => Array.from(set.runs()));
    expect(runs).toEqual([[], [{ offset: 1024, length: 512 }], []]);
    await late;
    expect((await joined.sync()).map((set) => Array.from(set.runs()))).toEqual([[], [], [{ offset: 0, length: 512 }]]);
    await joined.stop();
  });

  it("asks all before it awaits the first", () => {
    const log: string[] = [];
    void joinTrackers([createLogged("a", log), createLogged("b", log)]).sync();
    expect(log).toEqual(["sync a", "sync b"]);
  });

  it("stops those that it started when one will not start", async () => {
    const log: string[] = [];
    const joined = joinTrackers([
      createLogged("a", log),
      createLogged("b", log),
      createLogged("c", log, ["start"]),
      createLogged("d", log),
    ]);
    await expect(joined.start()).rejects.toThrow("c would not start");
    expect(log).toEqual(["start a", "start b", "start c", "stop a", "stop b"]);
  });

  it("stops all, though one fails, and says so", async () => {
    const log: string[] = [];
    const joined = joinTrackers([createLogged("a", log, ["stop"]), createLogged("b", log)]);
    await expect(joined.stop()).rejects.toThrow("a would not stop");
    expect(log).toEqual(["stop a", "stop b"]);
    const both = joinTrackers([createLogged("a", log, ["stop"]), createLogged("b", log, ["stop"])]);
    await expect(both.stop()).rejects.toMatchObject({
      errors: [{ message: "a would not stop" }, { message: "b would not stop" }],
    });
  });

  it("fails when one cannot say what was written", async () => {
    const joined = joinTrackers([createLogged("a", []), createLogged("b", [], ["sync"])]);
    await expect(joined.sync()).rejects.toThrow("b would not sync");
  });
});
