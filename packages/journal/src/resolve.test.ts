import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { openSourceJournal } from "./open-source-journal.ts";
import { openTargetJournal } from "./open-target-journal.ts";
import { readRecord } from "./read-record.ts";
import { resolveSource, resolveTarget } from "./resolve.ts";
import { withheldBlock } from "./withheld-block.ts";

async function twoDisks() {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-"));
  onTestFinished(async () => rm(folder, { recursive: true }));
  return ["a", "b"].map((name) => ({ name, size: 1024, record: { path: join(folder, name), beside: false } }));
}

async function sealedTargets() {
  const disks = await twoDisks();
  const { journal } = await openTargetJournal(disks);
  await journal.begin("m1");
  for (const { record } of disks) await withheldBlock(record).save(new Uint8Array(512).fill(7));
  await journal.decide("sealed", 1);
  return { journal, a: disks[0]!.record, b: disks[1]!.record };
}

const neverReleased = async (): Promise<void> => {
  throw new Error("released");
};

describe("a verdict by hand on a target", () => {
  test("commits all disks of the migration, and each gets its first block before its record lets go of it", async () => {
    const { a, b } = await sealedTargets();
    const released: Uint8Array[] = [];
    const states: unknown[] = [];
    const release = async (bytes: Uint8Array): Promise<void> => {
      released.push(bytes);
      states.push((await readRecord(b.path))?.state);
    };
    await resolveTarget(b.path, { migration: "m1", state: "committed", release });
    expect(await readRecord(a.path)).toMatchObject({ state: "committed", attempt: 1 });
    expect(await withheldBlock(a).load()).toBeDefined();

    await resolveTarget(a.path, { migration: "m1", state: "committed", release });
    expect(released).toEqual([new Uint8Array(512).fill(7), new Uint8Array(512).fill(7)]);
    expect(states).toEqual(["sealed", "committed"]);
    for (const record of [a, b]) expect(await withheldBlock(record).load()).toBeUndefined();
    await expect(
      resolveTarget(a.path, { migration: "m1", state: "committed", release: neverReleased }),
    ).rejects.toMatchObject({ code: "not-in-doubt" });
  });

  test("changes nothing if the first block cannot be written", async () => {
    const { a } = await sealedTargets();
    const verdict = { migration: "m1", state: "committed", release: neverReleased } as const;
    await expect(resolveTarget(a.path, verdict)).rejects.toThrow("released");
    expect(await readRecord(a.path)).toMatchObject({ state: "sealed" });
    expect(await withheldBlock(a).load()).toBeDefined();
  });

  test("aborts all disks, and keeps their first blocks from them", async () => {
    const { a, b } = await sealedTargets();
    await resolveTarget(b.path, { migration: "m1", state: "aborted", release: neverReleased });
    expect(await readRecord(a.path)).toMatchObject({ state: "aborted", attempt: 1 });
    expect(await withheldBlock(b).load()).toBeDefined();
  });

  test("is refused for another migration, for a source, for what is not in doubt, and where there is nothing", async () => {
    const { journal, a } = await sealedTargets();
    const verdict = { migration: "m1", state: "committed", release: neverReleased } as const;
    await expect(resolveTarget(a.path, { ...verdict, migration: "m2" })).rejects.toMatchObject({
      code: "other-migration",
      message: `${a.path}: the disk is in migration 'm1', not 'm2'`,
    });
    await expect(resolveSource(a.path, { migration: "m1", state: "kept" })).rejects.toMatchObject({
      code: "not-in-doubt",
    });
    await expect(resolveTarget(`${a.path}.none`, verdict)).rejects.toMatchObject({ code: "not-in-doubt" });
    await journal.decide("aborted", 1);
    await expect(resolveTarget(a.path, verdict)).rejects.toMatchObject({ code: "not-in-doubt" });
  });
});

describe("a verdict by hand on a source", () => {
  test.each(["kept", "moved"] as const)("makes it %s, with all disks of the migration", async (state) => {
    const disks = await twoDisks();
    const { journal } = await openSourceJournal(disks);
    await journal.begin("m1");
    await expect(resolveSource(disks[1]!.record.path, { migration: "m1", state })).rejects.toMatchObject({
      code: "not-in-doubt",
    });
    await journal.asked(3);
    await resolveSource(disks[1]!.record.path, { migration: "m1", state });
    expect((await openSourceJournal(disks)).found).toEqual({ migration: "m1", state, attempt: 3 });
  });
});

test("a first block is at most 1 MiB", async () => {
  const [disk] = await twoDisks();
  await expect(withheldBlock(disk!.record).save(new Uint8Array(1024 * 1024 + 1))).rejects.toThrow(RangeError);
});
