import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { openDisk } from "@blkmig/device";
import {
  type JournaledDisk,
  openSourceJournal,
  openTargetJournal,
  placeOfRecord,
  readRecord,
  withheldBlock,
} from "@blkmig/journal";
import { describe, expect, it } from "vitest";

import { makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

/** A disk with garbage on it, as a receiver or a sender would record it. */
async function recordable(path: string, stateDir?: string): Promise<JournaledDisk> {
  const disk = await openDisk(makeGarbage(path, MIB), { readOnly: true });
  const record = await placeOfRecord(disk, stateDir === undefined ? {} : { stateDir });
  await disk.close();
  return { name: "vda", size: disk.size, record };
}

async function begunTarget(path: string, stateDir?: string) {
  const disk = await recordable(path, stateDir);
  const { journal } = await openTargetJournal([disk]);
  await journal.begin("m1", { from: "tcp://there:1" });
  await journal.held([[{ offset: 0, length: 64 * 1024 }]]);
  return { disk, journal };
}

async function askedSource(path: string) {
  const disk = await recordable(path);
  const { journal } = await openSourceJournal([disk]);
  await journal.begin("m1", { to: "tcp://there:1" });
  await journal.asked(2);
  return { disk, journal };
}

/** The one event of a status. */
async function statusOf(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, events } = await runBlkmig(["status", "--json", ...args]);
  expect([code, events.length]).toEqual([0, 1]);
  return events[0]!;
}

describe("a target", () => {
  it("that no migration has written is foreign, and what it holds is named", async () => {
    const path = temporaryFolder()("it's here.img");
    const bytes = new Uint8Array(MIB);
    bytes.set([0x53, 0xef], 1024 + 56); // ext2's magic number
    writeFileSync(path, bytes);
    expect(await statusOf("--target", path)).toEqual({
      event: "target",
      path,
      size: MIB,
      state: "foreign",
      record: "none",
      signature: expect.stringContaining("ext"),
    });
    const { stdout, stderr } = await runBlkmig(["status", "--target", path]);
    expect([stdout, stderr]).toEqual(["", expect.stringMatching(/: foreign: .*; it holds an? .*ext.*\n$/)]);
  });

  it("that is not committed is incomplete, through all its states to the end", async () => {
    const path = temporaryFolder()("disk");
    const { journal } = await begunTarget(path);
    const common = { event: "target", path, size: MIB, record: "target", migration: "m1", from: "tcp://there:1" };
    const begun = { ...common, held: 65536, at: expect.any(String) };
    expect(await statusOf("--target", path)).toEqual({ ...begun, state: "incomplete", attempt: 0 });

    await journal.decide("sealed", 1);
    const line = `blkmig resolve --target ${path}`;
    const lines = [`${line} --commit m1`, `${line} --abort m1`];
    expect(await statusOf("--target", path)).toEqual({ ...begun, state: "sealed", attempt: 1, resolve: lines });
    const { stderr } = await runBlkmig(["status", "--target", path]);
    for (const printed of ["in doubt", ...lines]) expect(stderr).toContain(printed);

    await journal.decide("aborted", 1);
    expect(await statusOf("--target", path)).toEqual({ ...begun, state: "incomplete", attempt: 1 });
    await journal.decide("sealed", 2);
    await journal.decide("committed", 2);
    expect(await statusOf("--target", path)).toEqual({ ...begun, state: "complete", attempt: 2 });
  });

  it("can be asked for while a receiver has it, and is left as it is", async () => {
    const path = temporaryFolder();
    await begunTarget(path("disk"));
    const times = statSync(path("disk")).mtimeMs;
    const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--resume", "--disk", `a=${path("disk")}`]);
    await receiver.url();
    expect(await statusOf("--target", path("disk"))).toMatchObject({ state: "incomplete" });
    expect(readdirSync(path(""))).toEqual(["disk", "disk.blkmig"]);
    expect(statSync(path("disk")).mtimeMs).toBe(times);
  });

  it("whose record is damaged, or from a later blkmig, is foreign and says why", async () => {
    const path = temporaryFolder()("disk");
    makeGarbage(path, MIB);
    writeFileSync(`${path}.blkmig`, "half a rec");
    expect(await statusOf("--target", path)).toMatchObject({ state: "foreign", record: "damaged" });
    writeFileSync(`${path}.blkmig`, '{"blkmig-record":2}');
    expect(await statusOf("--target", path)).toMatchObject({ state: "foreign", record: "newer" });
    expect((await runBlkmig(["status", "--target", path])).stderr).toContain("written by a later blkmig");
  });

  it("has its record where --state-dir says", async () => {
    const path = temporaryFolder();
    const { journal } = await begunTarget(path("disk"), path("state dir"));
    await journal.decide("sealed", 1);
    expect(await statusOf("--target", path("disk"))).toMatchObject({ state: "foreign" });
    const event = await statusOf("--target", path("disk"), "--state-dir", path("state dir"));
    const line = `blkmig resolve --target ${path("disk")} --commit m1 --state-dir '${path("state dir")}'`;
    expect(event).toMatchObject({ state: "sealed", resolve: [line, expect.any(String)] });
  });

  it("that is missing cannot be asked for", async () => {
    expect(refusal(await runBlkmig(["status", "--target", "/nowhere/disk"]))).toEqual(refused(3, /\/nowhere\/disk/));
  });
});

describe("a source", () => {
  it("is free, sending, asked, and moved", async () => {
    const path = temporaryFolder()("disk");
    const disk = await recordable(path);
    expect(await statusOf("--source", path)).toEqual({
      event: "source",
      path,
      size: MIB,
      state: "free",
      record: "none",
    });
    const { journal } = await openSourceJournal([disk]);
    await journal.begin("m1");
    expect(await statusOf("--source", path)).toMatchObject({ state: "sending", migration: "m1" });
    await journal.asked(1);
    const line = `blkmig resolve --source ${path}`;
    const lines = [`${line} --keep m1`, `${line} --gone m1`];
    expect(await statusOf("--source", path)).toMatchObject({ state: "asked", attempt: 1, resolve: lines });
    await journal.kept();
    expect(await statusOf("--source", path)).toMatchObject({ state: "free", record: "source" });
    await journal.asked(2);
    await journal.moved(2, "moved");
    expect(await statusOf("--source", path)).toMatchObject({ state: "moved", attempt: 2 });
    expect(await statusOf("--target", path)).toMatchObject({ state: "foreign", record: "source" });
  });

  it("that a migration has half written is no free disk, and one that it committed is", async () => {
    const path = temporaryFolder()("disk");
    const { journal } = await begunTarget(path);
    expect(await statusOf("--source", path)).toMatchObject({ event: "source", state: "incomplete" });
    await journal.decide("sealed", 1);
    expect(await statusOf("--source", path)).toMatchObject({ state: "sealed" });
    await journal.decide("committed", 1);
    expect(await statusOf("--source", path)).toMatchObject({ state: "free", record: "target" });
  });
});

describe("resolve", () => {
  it.each([
    ["--commit", "committed", "complete"],
    ["--abort", "aborted", "incomplete"],
  ])("ends a sealed target by %s", async (verdict, state, status) => {
    const path = temporaryFolder()("disk");
    const { journal } = await begunTarget(path);
    await journal.decide("sealed", 1);
    const { code, events } = await runBlkmig(["resolve", "--target", path, verdict, "m1", "--json"]);
    expect([code, events]).toEqual([0, [{ event: "completed", role: "target", path, migration: "m1", state }]]);
    expect(await statusOf("--target", path)).toMatchObject({ state: status });
    expect(refusal(await runBlkmig(["resolve", "--target", path, verdict, "m1"]))).toEqual(
      refused(3, /nothing is in doubt/),
    );
  });

  it.each([
    ["--gone", "moved"],
    ["--keep", "free"],
  ])("ends a source that asked by %s", async (verdict, status) => {
    const path = temporaryFolder()("disk");
    await askedSource(path);
    expect((await runBlkmig(["resolve", "--source", path, verdict, "m1"])).code).toBe(0);
    expect(await statusOf("--source", path)).toMatchObject({ state: status });
  });

  it("writes the first block that was withheld, and only with --commit", async () => {
    const path = temporaryFolder();
    const state = ["--state-dir", path("state")];
    const block = new Uint8Array(4096).fill(7);
    for (const [name, verdict, first] of [
      ["kept back", "--abort", 0xee],
      ["given", "--commit", 7],
    ] as const) {
      const { disk, journal } = await begunTarget(path(name), path("state"));
      await withheldBlock(disk.record).save(block);
      await journal.decide("sealed", 1);
      expect((await runBlkmig(["resolve", "--target", path(name), verdict, "m1", ...state])).code).toBe(0);
      const bytes = readFileSync(path(name));
      expect(bytes.subarray(0, 4096).equals(Buffer.alloc(4096, first))).toBe(true);
      expect(bytes.subarray(4096).equals(Buffer.alloc(MIB - 4096, 0xee))).toBe(true);
    }
  });

  it("writes the first block of a disk whose migration was committed without it", async () => {
    const path = temporaryFolder();
    const state = ["--state-dir", path("state")];
    const { disk, journal } = await begunTarget(path("disk"), path("state"));
    await withheldBlock(disk.record).save(new Uint8Array(512).fill(7));
    await journal.decide("sealed", 1);
    await journal.decide("committed", 1);
    const event = await statusOf("--target", path("disk"), ...state);
    expect(event).toMatchObject({ state: "incomplete", "first-block": "withheld" });
    expect((await runBlkmig(["resolve", "--target", path("disk"), "--commit", "m1", ...state])).code).toBe(0);
    expect(readFileSync(path("disk"))[511]).toBe(7);
    expect(await statusOf("--target", path("disk"), ...state)).toMatchObject({ state: "complete" });
  });

  it("speaks for all disks of a migration", async () => {
    const path = temporaryFolder();
    const disks = [await recordable(path("a")), await recordable(path("b"))];
    const { journal } = await openTargetJournal(disks);
    await journal.begin("m1");
    await journal.decide("sealed", 1);
    const { stderr } = await runBlkmig(["resolve", "--target", path("b"), "--abort", "m1"]);
    expect(stderr).toContain("This holds for all disks of the migration.");
    expect(await readRecord(disks[0]!.record.path)).toMatchObject({ state: "aborted" });
  });

  it("refuses a disk that somebody has, another migration, and a disk of no migration; nothing changes", async () => {
    const path = temporaryFolder();
    const target = await begunTarget(path("target"));
    await target.journal.decide("sealed", 1);
    await askedSource(path("source"));
    makeGarbage(path("other"), MIB);
    const before = ["target", "source"].map((name) => readFileSync(path(`${name}.blkmig`), "utf8"));

    const receiver = await openDisk(path("target"));
    const sender = await openDisk(path("source"), { readOnly: true });
    const [commit, keep] = [
      ["--target", path("target"), "--commit"],
      ["--source", path("source"), "--keep"],
    ];
    expect(refusal(await runBlkmig(["resolve", ...commit, "m1"]))).toEqual(refused(3, /in use by another process/));
    expect(refusal(await runBlkmig(["resolve", ...keep, "m1"]))).toEqual(refused(3, /in use by another process/));
    await Promise.all([receiver.close(), sender.close()]);

    expect(refusal(await runBlkmig(["resolve", ...commit, "m2"]))).toEqual(refused(3, /in migration 'm1', not 'm2'/));
    const asSource = ["resolve", "--source", path("target"), "--gone", "m1"];
    expect(refusal(await runBlkmig(asSource))).toEqual(refused(3, /is a target, not a source/));
    const unknown = ["resolve", "--target", path("other"), "--commit", "m1"];
    expect(refusal(await runBlkmig(unknown))).toEqual(refused(3, /in no migration/));
    expect(["target", "source"].map((name) => readFileSync(path(`${name}.blkmig`), "utf8"))).toEqual(before);
  });
});

it.each([
  [["status"], /--target PATH, --source PATH, --control CONTROL, or --qmp URL/],
  [["status", "--target", "a", "--source", "b"], /one at a time/],
  [["status", "--control", "tcp://a:1"], /is no socket of this machine/],
  [["resolve"], /say --target PATH with/],
  [["resolve", "--target", "a"], /say --target PATH with/],
  [["resolve", "--target", "a", "--keep", "m1"], /say --target PATH with/],
  [["resolve", "--source", "a", "--commit", "m1"], /say --target PATH with/],
  [["resolve", "--target", "a", "--commit", "m1", "--abort", "m1"], /say --target PATH with/],
  [["resolve", "--target", "a", "--source", "b", "--keep", "m1"], /say --target PATH with/],
  [["resolve", "--source", "unix:x", "--keep", "m1"], /--source: 'unix:x': an absolute path must follow/],
])("%j is a usage error", async (args, sentence) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(2, sentence));
});

it.each([
  ["status", /in doubt/],
  ["resolve", /two\s+owners\s+of one disk/],
])("%s has help, with examples", async (command, sentence) => {
  const { code, stdout } = await runBlkmig([command, "--help"]);
  expect(code).toBe(0);
  for (const part of [/Examples:\n {2}blkmig /, sentence]) expect(stdout).toMatch(part);
});
