import { describe, expect, test } from "vitest";

import { afterCrash, createCrashingFiles, dieEverywhere } from "./crashing-files.test-kit.ts";
import { disksNamed, pathOf, seen, sources, targets, worldOf } from "./journals.test-kit.ts";
import { openSourceJournalIn } from "./open-source-journal.ts";
import { readRecordIn } from "./read-record.ts";
import type { SourceJournal } from "./source-journal.ts";

const STEPS: readonly (readonly [step: (journal: SourceJournal) => Promise<void>, seen: string])[] = [
  [async (journal) => journal.begin("m1", { to: "tcp://there" }), "m1 sending 0"],
  [async (journal) => journal.asked(1), "m1 asked 1"],
  [async (journal) => journal.kept(), "m1 kept 1"],
  [async (journal) => journal.asked(2), "m1 asked 2"],
  [async (journal) => journal.moved(2, "moved"), "m1 moved 2"],
];

describe("a crash at any moment of sending three disks", () => {
  test("leaves all of them in the state before a step, or all in the state after it", async () => {
    let settled = 0;
    await dieEverywhere(
      async () => createCrashingFiles(),
      async (files) => {
        settled = 0;
        const journal = await sources(files, "a", "b", "c");
        for (const [step] of STEPS) {
          await step(journal);
          settled += 1;
        }
      },
      async (files) => {
        const all = new Set(await seen(files, "a", "b", "c"));
        if (settled > 0) expect(all.size).toBe(1);
        expect([STEPS[settled - 1]?.[1] ?? "nothing", STEPS[settled]?.[1]]).toEqual(expect.arrayContaining([...all]));
      },
    );
    expect(settled).toBe(STEPS.length);
  });

  test.each([
    ["sent again", sources],
    ["written by a migration that comes back", targets],
  ] as const)("never lets one of them that is %s hide that the others have moved", async (_, open) => {
    await dieEverywhere(
      async () => {
        const files = createCrashingFiles();
        const journal = await sources(files, "a", "b");
        await journal.begin("m1");
        await journal.asked(1);
        // Opening syncs twice, the decision is three changes: then its process dies, before every disk's own record says so.
        const dying = files.restarted({ at: 5, how: "before" });
        await expect((await sources(dying, "a", "b")).moved(1, "moved")).rejects.toMatchObject({ code: "io" });
        return dying.restarted();
      },
      async (files) => (await open(files, "a")).begin("m2"),
      async (files) => {
        expect(await seen(files, "b")).toEqual(["m1 moved 1"]);
      },
    );
  });
});

describe("the records of sources", () => {
  test("say which migration brought a disk here, however often it is sent", async () => {
    const files = createCrashingFiles();
    const journal = await targets(files, "a");
    await journal.begin("m1");
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1);
    for (const migration of ["m2", "m3"]) {
      await (await sources(files, "a")).begin(migration);
      expect(await readRecordIn(files, pathOf("a"))).toMatchObject({ role: "source", migration, brought: "m1" });
    }
  });

  test("say where their clients are passed on to, on every disk, asked and moved", async () => {
    const files = createCrashingFiles();
    const journal = await sources(files, "a", "b");
    await journal.begin("m1");
    const serve = "nbd://192.0.2.1:10809";
    await journal.asked(1, { serve });
    for (const name of ["a", "b"]) {
      expect(await readRecordIn(files, pathOf(name))).toMatchObject({ state: "asked", serve });
    }
    await journal.moved(1, "moved", { serve });
    for (const name of ["a", "b"]) {
      const record = await readRecordIn(files, pathOf(name));
      expect(record).toMatchObject({ state: "moved", serve });
      expect(record).not.toHaveProperty("decidedBy");
    }
  });

  test("say moved on every disk by itself, when moved() has settled", async () => {
    const files = createCrashingFiles();
    const journal = await sources(files, "a", "b");
    await journal.begin("m1");
    await journal.asked(1);
    await journal.moved(1, "cloned");
    for (const found of afterCrash(files)) {
      expect((await openSourceJournalIn(worldOf(found), disksNamed("b"))).found).toEqual({
        migration: "m1",
        state: "cloned",
        attempt: 1,
      });
    }
  });

  test("that bind most are what is found", async () => {
    const files = createCrashingFiles();
    await (await sources(files, "a")).begin("m1");
    const other = await sources(files, "b");
    await other.begin("m2");
    await other.asked(1);
    const { found } = await openSourceJournalIn(worldOf(files), disksNamed("a", "b", "c"));
    expect(found).toEqual({ migration: "m2", state: "asked", attempt: 1 });
  });

  test("are final when the disks have moved", async () => {
    const files = createCrashingFiles();
    const journal = await sources(files, "a");
    await journal.begin("m1");
    await journal.asked(1);
    await journal.moved(1, "moved");
    await journal.moved(1, "moved");
    await expect(journal.kept()).rejects.toThrow(TypeError);
    await expect(journal.asked(2)).rejects.toThrow(TypeError);
    await expect(journal.begin("m1")).rejects.toThrow("is committed (moved)");
    expect(await seen(files, "a")).toEqual(["m1 moved 1"]);
  });

  test("of a migration that goes on after a crash keep its attempt", async () => {
    const files = createCrashingFiles();
    const journal = await sources(files, "a", "b");
    await journal.begin("m1");
    await journal.asked(3);
    await (await sources(files, "a", "b")).kept();
    await (await sources(files, "a", "b")).begin("m1");
    expect(await seen(files, "a", "b")).toEqual(["m1 sending 3", "m1 sending 3"]);
  });

  test("begin with begin()", async () => {
    const journal = await sources(createCrashingFiles(), "a");
    await expect(journal.asked(1)).rejects.toThrow("begin() first");
  });
});

describe("a migration that no sink has heard of", () => {
  test("is forgotten: the records are what they were", async () => {
    const files = createCrashingFiles();
    const journal = await sources(files, "a", "b");
    await journal.begin("m1");
    await journal.forget();
    expect(await seen(files, "a", "b")).toEqual(["nothing", "nothing"]);
    const before = await sources(files, "a", "b");
    await before.begin("m1");
    await before.kept();
    const again = await sources(files, "a", "b");
    await again.begin("m2");
    await again.forget();
    expect(await seen(files, "a", "b")).toEqual(["m1 kept 0", "m1 kept 0"]);
  });

  test("is not one whose commit was asked for", async () => {
    const journal = await sources(createCrashingFiles(), "a");
    await journal.begin("m1");
    await journal.asked(1);
    await expect(journal.forget()).rejects.toThrow("what is asked is not forgotten");
  });
});
