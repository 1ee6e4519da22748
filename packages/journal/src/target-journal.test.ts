import { describe, expect, test } from "vitest";

import { createCrashingFiles } from "./crashing-files.test-kit.ts";
import { readWhole, writeDurably } from "./durable-file.ts";
import { disksNamed, pathOf, seen, SIZE, sources, targets, worldOf } from "./journals.test-kit.ts";
import { openTargetJournalIn } from "./open-target-journal.ts";
import { readRecordIn } from "./read-record.ts";

async function begun(...names: readonly string[]) {
  const files = createCrashingFiles();
  const journal = await targets(files, ...names);
  await journal.begin("m1", { from: "tcp://there", clone: true });
  return { files, journal };
}

describe("the records of targets", () => {
  test("say what they are of, how far they are, and who decides", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.held([[{ offset: 0, length: 4096 }], [{ offset: 512, length: 1024 }]]);
    await journal.decide("sealed", 1);
    expect(await readRecordIn(files, pathOf("b"))).toEqual({
      role: "target",
      migration: "m1",
      disk: "b",
      size: SIZE,
      state: "sealed",
      attempt: 1,
      held: [[512, 1024]],
      decidedBy: pathOf("a"),
      from: "tcp://there",
      clone: true,
      at: "1970-01-01T00:00:00.000Z",
    });
  });

  test("are found by the next receiver: the migration, its state, and what each disk holds", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.held([[{ offset: 0, length: 4096 }], []]);
    await journal.decide("sealed", 4);
    const { found } = await openTargetJournalIn(worldOf(files), disksNamed("c", "b", "a"));
    expect(found).toEqual({ migration: "m1", state: "sealed", attempt: 4, held: [[], [], [[0, 4096]]] });
  });

  test("of different migrations are found as nobody's", async () => {
    const { files } = await begun("a");
    await (await targets(files, "b")).begin("m2");
    const { found } = await openTargetJournalIn(worldOf(files), disksNamed("a", "b"));
    expect(found).toMatchObject({ migration: undefined, state: "incomplete" });
  });

  test("of a committed migration, or of a source, are nothing unfinished", async () => {
    const { files, journal } = await begun("a");
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1);
    await (await sources(files, "b")).begin("m2");
    const { found } = await openTargetJournalIn(worldOf(files), disksNamed("a", "b"));
    expect(found).toBeUndefined();
  });

  test("go on where they were, when the same migration begins again", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.held([[{ offset: 0, length: 4096 }], []]);
    await journal.decide("sealed", 1);
    await journal.decide("aborted", 1);
    const next = await openTargetJournalIn(worldOf(files), disksNamed("a", "b"));
    await next.journal.begin("m1");
    await expect(next.journal.decide("sealed", 1)).rejects.toThrow("incomplete 1, so it cannot be sealed 1");
    expect(await readRecordIn(files, pathOf("a"))).toMatchObject({ held: [[0, 4096]], attempt: 1 });
  });

  test("hold nothing of another migration's", async () => {
    const { files, journal } = await begun("a");
    await journal.held([[{ offset: 0, length: 4096 }]]);
    await (await targets(files, "a")).begin("m2");
    expect(await readRecordIn(files, pathOf("a"))).toMatchObject({ migration: "m2", held: [] });
  });

  test("are gone when a migration that wrote nothing is forgotten", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.forget();
    expect(await seen(files, "a", "b")).toEqual(["nothing", "nothing"]);
  });

  test("stay when a journal is asked to forget what it did not begin", async () => {
    const { files } = await begun("a");
    await (await targets(files, "a")).forget();
    expect(await seen(files, "a")).toEqual(["m1 incomplete 0"]);
  });

  test("point to none other when the source is done", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1);
    const next = await targets(files, "a", "b"); // the sink was restarted before DONE came
    await next.done();
    await next.done();
    await files.remove(pathOf("a"));
    expect(await seen(files, "b")).toEqual(["m1 committed 1"]);
  });

  test("are written in the order in which it was asked for", async () => {
    const { files, journal } = await begun("a");
    await Promise.all([journal.decide("sealed", 1), journal.decide("aborted", 1), journal.decide("sealed", 2)]);
    expect(await seen(files, "a")).toEqual(["m1 sealed 2"]);
  });
});

describe("the laws of the commit", () => {
  test.each([
    ["committed without having sealed", [], "committed", 1],
    ["committed for another attempt than was sealed", [["sealed", 1]], "committed", 2],
    [
      "committed after an abort",
      [
        ["sealed", 1],
        ["aborted", 1],
      ],
      "committed",
      1,
    ],
    ["sealed twice without an abort", [["sealed", 1]], "sealed", 2],
    [
      "sealed again for an attempt that was aborted",
      [
        ["sealed", 1],
        ["aborted", 1],
      ],
      "sealed",
      1,
    ],
    [
      "aborted after the commit",
      [
        ["sealed", 1],
        ["committed", 1],
      ],
      "aborted",
      1,
    ],
    [
      "sealed after the commit",
      [
        ["sealed", 1],
        ["committed", 1],
      ],
      "sealed",
      2,
    ],
    ["aborted for an older attempt", [["sealed", 2]], "aborted", 1],
  ] as const)("nothing is %s", async (_, before, state, attempt) => {
    const { files, journal } = await begun("a");
    for (const [earlier, of] of before) await journal.decide(earlier, of);
    const was = await seen(files, "a");
    await expect(journal.decide(state, attempt)).rejects.toThrow(TypeError);
    expect(await seen(files, "a")).toEqual(was);
  });

  test("the same answer twice is one answer", async () => {
    const { files, journal } = await begun("a");
    for (const state of ["sealed", "sealed", "committed", "committed"] as const) await journal.decide(state, 1);
    expect(await seen(files, "a")).toEqual(["m1 committed 1"]);
  });

  test.each(["sealed", "committed"] as const)("a migration that is %s does not begin again", async (state) => {
    const { files, journal } = await begun("a", "b");
    await journal.decide("sealed", 1);
    if (state === "committed") await journal.decide("committed", 1);
    await expect((await targets(files, "b", "a")).begin("m1")).rejects.toThrow(`is ${state}, so it cannot begin`);
  });

  test("done is nothing before the commit, and nothing is held after it", async () => {
    const { journal } = await begun("a");
    await expect(journal.done()).rejects.toThrow("is incomplete, not committed");
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1);
    await expect(journal.held([[]])).rejects.toThrow("is committed");
  });

  test("nothing is decided for disks of which another, unnamed one decides", async () => {
    const { files, journal } = await begun("a", "b");
    await journal.decide("sealed", 1);
    await expect((await targets(files, "b")).decide("committed", 1)).rejects.toThrow("begin() first");
  });

  test("two disks never share a record", async () => {
    await expect(targets(createCrashingFiles(), "a", "a")).rejects.toThrow(RangeError);
  });
});

test("a deciding record that is missing is told, not guessed", async () => {
  const { files } = await begun("a", "b");
  await files.remove(pathOf("a"));
  const refusal = { code: "damaged", message: expect.stringContaining(`${pathOf("a")}, is missing`) };
  await expect(seen(files, "b")).rejects.toMatchObject(refusal);
});

test("a deciding record that is of another migration is told, not believed", async () => {
  const { files } = await begun("a", "b");
  const pointing = await readWhole(files, pathOf("b"));
  await (await targets(files, "a", "b")).begin("m2");
  await writeDurably(files, pathOf("b"), pointing!);
  const refusal = { code: "damaged", message: expect.stringContaining(`${pathOf("a")}, is of another migration`) };
  await expect(seen(files, "b")).rejects.toMatchObject(refusal);
});
