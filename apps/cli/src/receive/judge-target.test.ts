import type { TargetRecord } from "@blkmig/journal";
import { describe, expect, it } from "vitest";

import { parseDangers } from "../arguments/parse-dangers.ts";
import { judgeTarget, type Wish } from "./judge-target.ts";
import type { TargetView } from "./target-view.ts";

const PLAIN: TargetView = {
  name: "vda",
  path: "/disk",
  size: 4096,
  record: undefined,
  signature: undefined,
  mount: undefined,
};
const SIGNED: TargetView = { ...PLAIN, signature: "an ext4 file system" };

const record = (state: TargetRecord["state"]): TargetRecord => ({
  role: "target",
  migration: "m-1",
  disk: "vda",
  size: 4096,
  state,
  attempt: 1,
  held: [],
  at: "",
});

const wish = (words: readonly string[] = [], more: Partial<Wish> = {}): Wish => ({
  migration: undefined,
  resume: false,
  dangers: parseDangers(words, "receive"),
  unfinished: new Set(),
  stateDir: undefined,
  ...more,
});

const resuming = (migration?: string): Wish => wish([], { resume: true, migration });
const ALL = ["filesystem", "in-use", "incomplete", "mounted"];

describe("a target without a record", () => {
  it.each([
    ["plain", PLAIN, [], true],
    ["a file system", SIGNED, [], false],
    ["a file system, forced", SIGNED, ["filesystem"], true],
    ["a file system, another danger forced", SIGNED, ["incomplete"], false],
    ["mounted", { ...PLAIN, mount: "/mnt" }, ["filesystem"], false],
    ["mounted, forced", { ...PLAIN, mount: "/mnt" }, ["mounted"], true],
    ["half a sector, all forced", { ...PLAIN, size: 1000 }, ALL, false],
  ] as const)("%s", (_, target, words, may) => expect(judgeTarget(target, wish(words)).may).toBe(may));
});

describe("an unfinished target", () => {
  const target = { ...SIGNED, record: record("incomplete") };
  it.each([
    ["nobody has come", wish(), false],
    ["nobody has come, and it may be resumed", resuming(), true],
    ["its own migration has come", resuming("m-1"), true],
    ["another has come", resuming("m-2"), false],
    ["another has come, and it was forced", wish(["incomplete"], { migration: "m-2" }), true],
    ["another has come, and a file system was forced", wish(["filesystem"], { migration: "m-2" }), false],
    ["it failed in this process", wish([], { migration: "m-2", unfinished: new Set(["m-1"]) }), true],
  ] as const)("%s", (_, who, may) => expect(judgeTarget(target, who).may).toBe(may));

  it("of an aborted attempt is one as well", () => {
    expect(judgeTarget({ ...PLAIN, record: record("aborted") }, wish())).toMatchObject({ may: false });
  });
});

describe("a sealed target", () => {
  const target = { ...PLAIN, record: record("sealed") };
  it.each([
    ["is never forced", wish(ALL), false],
    ["is not another's, even if it failed here", wish(ALL, { migration: "m-2", unfinished: new Set(["m-1"]) }), false],
    ["waits for its own sender with --resume", resuming(), true],
    ["is its own sender's", resuming("m-1"), true],
  ] as const)("%s", (_, who, may) => expect(judgeTarget(target, who).may).toBe(may));
});

describe("a complete target", () => {
  const target = { ...SIGNED, record: record("committed") };
  it.each([
    ["is a disk like any other", wish(), false],
    ["lets its own sender ask, with --resume", resuming(), true],
    ["is not another's, with --resume", resuming("m-2"), false],
  ] as const)("%s", (_, who, may) => expect(judgeTarget(target, who).may).toBe(may));
});

it("a disk that was asked for as a source is in doubt, one that has moved is not", () => {
  const source = { role: "source", migration: "m-1", disk: "vda", size: 4096, attempt: 1, at: "" } as const;
  const asked = judgeTarget({ ...PLAIN, record: { ...source, state: "asked" } }, wish(ALL));
  expect(asked).toMatchObject({ may: false, why: expect.stringContaining("blkmig resolve --source /disk --gone m-1") });
  expect(judgeTarget({ ...PLAIN, record: { ...source, state: "moved" } }, wish())).toEqual({ may: true });
});
