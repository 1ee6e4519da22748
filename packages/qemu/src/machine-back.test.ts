import { describe, expect, it } from "vitest";

import { nextStepBack } from "./machine-back.ts";
import { handed, held } from "./machine-fake-pair.test-kit.ts";
import { passUntil, refuse } from "./machine-fake.test-kit.ts";

/** What a move notes of a source of which nothing was on. */
const BEFORE = "before-rpe-300";

describe("a guest that is given back", () => {
  it("is resumed as soon as QEMU lets it", async () => {
    const { source, live, move, clock } = await held();
    source.answers["migrate_cancel"] = () => source.reach("cancelled"); // and does not go on by itself
    let refusals = 2;
    source.answers["cont"] = () => {
      if (refusals-- > 0) refuse("refused", "Migration is not finalized yet")({});
      source.guest = "running";
      source.emit("RESUME");
    };
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("running");
    expect([...live.marks]).toEqual([BEFORE]);
    expect(refusals).toBe(-1);
  });

  it("is said to stand still where QEMU answers no more, and can be tried again", async () => {
    const { source, live, move, clock } = await held();
    source.answers["migrate_cancel"] = refuse("timeout", "no answer");
    await expect(passUntil(clock, move.guest.resume())).rejects.toMatchObject({
      code: "timeout",
      message: expect.stringMatching(
        /may stand still .*say `migrate_cancel` and `cont` there, or run blkmig status --qmp/u,
      ),
    });
    expect([...live.marks]).toEqual([BEFORE, "machine"]);
    delete source.answers["migrate_cancel"];
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("running");
  });

  it("is said to stand still where the monitor is gone", async () => {
    const { source, move, clock } = await held();
    source.die();
    await expect(passUntil(clock, move.guest.resume())).rejects.toMatchObject({ code: "gone" });
  });

  it("runs though its mark cannot be taken back", async () => {
    const { live, source, move, clock, warnings } = await held();
    live.unmark = async () => void refuse("refused", "no such bitmap")({});
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("running");
    expect(warnings).toEqual(["fake: no such bitmap", "fake: no such bitmap"]);
  });

  it("runs only when a destination that has everything was told to quit", async () => {
    const { source, destination, move, clock } = await handed();
    source.answers["cont"] = () => {
      expect(destination.calls).toContain("quit");
      source.guest = "running";
      source.emit("RESUME");
    };
    await passUntil(clock, move.guest.resume());
    expect(source.guest).toBe("running");
    expect(move.downtime).toBeUndefined();
  });

  it("is left stopped by close() when the destination has everything: it may be committed", async () => {
    const { source, destination, live, move } = await handed();
    await move.close();
    expect(source.guest).toBe("postmigrate");
    expect(destination.guest).toBe("paused");
    expect([...live.marks]).toEqual([BEFORE, "machine", "stopped"]);
    expect(source.capabilities).toContain("pause-before-switchover");
  });

  it("is never resumed here once it was told to run there", async () => {
    const { source, destination, move } = await handed();
    destination.answers["cont"] = refuse("timeout", "no answer");
    await expect(move.resumeThere()).rejects.toThrow("no answer");
    await move.guest.resume();
    await move.close();
    expect(source.guest).toBe("postmigrate");
    delete destination.answers["cont"];
    await move.resumeThere();
    expect(destination.guest).toBe("running");
  });
});

describe("nextStepBack", () => {
  const stopped = { is: "stopped", at: 1 } as const;
  const others = { is: "stopped-by-others" } as const;

  it.each([
    ["setup", "running", { is: "runs" }, "migrate_cancel"],
    ["active", "running", { is: "runs" }, "migrate_cancel"],
    ["pre-switchover", "finish-migrate", stopped, "migrate_cancel"],
    ["device", "finish-migrate", others, "migrate_cancel"],
    ["cancelling", "finish-migrate", stopped, "wait"],
    ["cancelled", "finish-migrate", stopped, "cont"],
    ["completed", "postmigrate", stopped, "cont"],
    ["failed", "running", stopped, "done"],
    ["cancelled", "paused", others, "done"],
    ["cancelled", "postmigrate", others, "done"],
    ["none", "paused", { is: "runs" }, "done"],
  ] as const)("from '%s' and '%s' with a guest that %o: %s", (migration, guest, here, step) => {
    expect(nextStepBack(migration, guest, here)).toBe(step);
  });
});
