import { MigrationError, type MigrationErrorCode, type MigrationPhase } from "@blkmig/source";
import { expect, it } from "vitest";

import { endingOf } from "../exit-code.ts";
import { brokenOff } from "./broken-off.ts";

const begun = { to: "tcp://there:1", isBegun: true, isToPage: false };

function ended(code: MigrationErrorCode, phase: MigrationPhase = "bulk", guest: "running" | "lost" = "running") {
  return new MigrationError(code, "the wire broke", { phase, pending: 1, guest });
}

it.each(["changed", "device", "guest", "journal", "refused", "wire"] as const)(
  "of a session that ended by '%s' it is said how it is gone on with, and what it was",
  (code) => {
    const sentence = "the wire broke; to go on, start both ends again with --resume: what has arrived is kept";
    expect(endingOf(brokenOff(ended(code), begun))).toMatchObject({ code, message: sentence });
  },
);

it("who cancels it is told as well", () => {
  expect(endingOf(brokenOff(ended("cancelled"), begun)).message).toBe(
    "cancelled: the source is as the guest left it; to go on, start both ends again with --resume: what has arrived is kept",
  );
});

it("over ssh the sender alone is started again", () => {
  const { message } = endingOf(brokenOff(ended("wire"), { ...begun, to: "ssh://there" }));
  expect(message).toMatch(/; to go on, say the same again with --resume: /);
});

it("a full disk has its own words for it, and not both", () => {
  const cause = Object.assign(new Error("full"), { code: "ENOSPC" });
  const error = new MigrationError("journal", "x", { phase: "bulk", pending: 1, guest: "running" }, { cause });
  expect(endingOf(brokenOff(error, begun)).message.match(/--resume/g)).toHaveLength(1);
});

it.each([
  ["the receiver never heard of it", ended("wire"), { ...begun, isBegun: false }],
  ["the receiver may be a page, which keeps nothing", ended("wire"), { ...begun, isToPage: true }],
  ["the receiver did not want it", ended("refused", "setup"), begun],
  ["the target is not what it was sent", ended("mismatch"), begun],
  ["the guest is lost, and comes first", ended("wire", "switchover", "lost"), begun],
  ["it is none of a migration's errors", new TypeError("x"), begun],
] as const)("nothing is said of going on where %s", (_, error, how) => {
  expect(brokenOff(error, how)).toBe(error);
});
