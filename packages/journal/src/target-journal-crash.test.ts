import { describe, expect, test } from "vitest";

import { createCrashingFiles, dieEverywhere } from "./crashing-files.test-kit.ts";
import { readWhole } from "./durable-file.ts";
import { disksNamed, pathOf, seen, targets, worldOf } from "./journals.test-kit.ts";
import { openTargetJournalIn } from "./open-target-journal.ts";
import type { TargetJournal } from "./target-journal.ts";
import { withheldBlockIn } from "./withheld-block.ts";

const RUN = { offset: 4096, length: 65536 };

/** A migration of three disks, and what is seen of each of them when a step has settled. */
const STEPS: readonly (readonly [step: (journal: TargetJournal) => Promise<void>, seen: string])[] = [
  [async (journal) => journal.begin("m1"), "m1 incomplete 0"],
  [async (journal) => journal.held([[RUN], [], [RUN]]), "m1 incomplete 0"],
  [async (journal) => journal.decide("sealed", 1), "m1 sealed 1"],
  [async (journal) => journal.decide("aborted", 1), "m1 aborted 1"],
  [async (journal) => journal.held([[], [RUN], [RUN]]), "m1 aborted 1"],
  [async (journal) => journal.decide("sealed", 2), "m1 sealed 2"],
  [async (journal) => journal.decide("committed", 2), "m1 committed 2"],
  [async (journal) => journal.done(), "m1 committed 2"],
];

describe("a crash at any moment of a migration of three disks", () => {
  test("leaves all of them in the state before a step, or all in the state after it", async () => {
    let settled = 0;
    await dieEverywhere(
      async () => createCrashingFiles(),
      async (files) => {
        settled = 0;
        const journal = await targets(files, "a", "b", "c");
        for (const [step] of STEPS) {
          await step(journal);
          settled += 1;
        }
      },
      async (files) => {
        const states = await seen(files, "a", "b", "c");
        const [before, after] = [STEPS[settled - 1]?.[1] ?? "nothing", STEPS[settled]?.[1]];
        const all = new Set(states);
        // Only begin() may have marked some and not others yet: nothing has been written to them.
        if (settled > 0) expect(all.size).toBe(1);
        expect([before, after]).toEqual(expect.arrayContaining([...all]));
      },
    );
    expect(settled).toBe(STEPS.length);
  });

  test("leaves records that the next receiver can open and go on with, whichever disk it names first", async () => {
    await dieEverywhere(
      async () => createCrashingFiles(),
      async (files) => {
        const journal = await targets(files, "a", "b");
        await journal.begin("m1");
        await journal.decide("sealed", 1);
        await journal.decide("aborted", 1);
      },
      async (files) => {
        const { journal, found } = await openTargetJournalIn(worldOf(files), disksNamed("b", "a"));
        const attempt = found?.attempt ?? 0;
        expect([undefined, "m1"]).toContain(found?.migration);
        if (found?.state === "sealed") await journal.decide("aborted", attempt);
        await journal.begin("m1");
        await journal.decide("sealed", attempt + 1);
        expect(await seen(files, "a", "b")).toEqual([`m1 sealed ${attempt + 1}`, `m1 sealed ${attempt + 1}`]);
      },
    );
  });
});

describe("what a process saw before the machine crashed", () => {
  test("is seen after it too, once a journal was opened on it", async () => {
    await dieEverywhere(
      async () => {
        const files = createCrashingFiles();
        const journal = await targets(files, "a", "b");
        await journal.begin("m1");
        await journal.decide("sealed", 1);
        return files;
      },
      async (files) => (await targets(files, "a", "b")).decide("committed", 1),
      async (files) => {
        await targets(files, "a", "b");
        const told = await seen(files, "a", "b");
        expect(
          await seen(
            files.rebooted(() => false),
            "a",
            "b",
          ),
        ).toEqual(told);
      },
    );
  });
});

describe("a crash while another migration takes disks of one that committed", () => {
  const committed = async () => {
    const files = createCrashingFiles();
    const journal = await targets(files, "a", "b", "c");
    await journal.begin("m0");
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1); // and DONE never came
    return files;
  };

  test.each([[["a"]], [["a", "b"]], [["b", "a"]], [["c"]]])("%j: the others stay committed", async (names) => {
    await dieEverywhere(
      committed,
      async (files) => (await targets(files, ...names)).begin("m1"),
      async (files) => {
        const states = await seen(files, "a", "b", "c");
        for (const [index, name] of ["a", "b", "c"].entries()) {
          const taken = names.includes(name) ? ["m1 incomplete 0"] : [];
          expect(["m0 committed 1", ...taken]).toContain(states[index]);
        }
      },
    );
  });
});

describe("a crash while targets that were never written are let go", () => {
  test("never makes what another migration left half written look complete", async () => {
    const withUnfinished = async () => {
      const files = createCrashingFiles();
      const journal = await targets(files, "b", "a");
      await journal.begin("m0");
      await journal.held([[RUN], [RUN]]);
      return files;
    };
    await dieEverywhere(
      withUnfinished,
      async (files) => {
        const journal = await targets(files, "a", "b", "c");
        await journal.begin("m1");
        await journal.forget();
        expect(await seen(files, "a", "b", "c")).toEqual(["m0 incomplete 0", "m0 incomplete 0", "nothing"]);
      },
      async (files) => {
        const [a, b] = await seen(files, "a", "b");
        for (const state of [a, b]) expect(state).toMatch(/^m[01] incomplete 0$/);
      },
    );
  });

  test("never leaves another migration's first block with this one's record", async () => {
    const theirs = new Uint8Array(512).fill(7);
    const withBlock = async () => {
      const files = createCrashingFiles();
      await (await targets(files, "a")).begin("m0");
      await withheldBlockIn(files, pathOf("a")).save(theirs);
      return files;
    };
    await dieEverywhere(
      withBlock,
      async (files) => {
        const journal = await targets(files, "a");
        await journal.begin("m1");
        await journal.forget();
        expect(await readWhole(files, `${pathOf("a")}.block0`)).toEqual(theirs);
      },
      async (files) => {
        const [state] = await seen(files, "a");
        const block = await withheldBlockIn(files, pathOf("a")).load();
        if (state?.startsWith("m1")) expect(block).toBeUndefined();
      },
    );
  });
});
