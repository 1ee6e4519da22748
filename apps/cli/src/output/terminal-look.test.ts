import { fstatSync, openSync } from "node:fs";

import { expect, it } from "vitest";

import { lookOf } from "./terminal-look.ts";

const terminal = { isTTY: true, hasColors: () => true };
const PLAIN = { moves: false, colours: false, unicode: false, priorities: false };

it("only a terminal that can, outside of a build, has a line that moves", () => {
  expect(lookOf(terminal, { TERM: "xterm", CI: "false" })).toEqual({ ...PLAIN, moves: true, colours: true });
  expect(lookOf(terminal, { TERM: "dumb" }).moves).toBe(false);
  expect(lookOf(terminal, { CI: "true" }).moves).toBe(false);
  expect(lookOf({}, { TERM: "xterm" })).toEqual(PLAIN);
});

it("elsewhere than on a terminal there are colours for who insists", () => {
  expect(lookOf({}, { FORCE_COLOR: "1" }).colours).toBe(true);
  expect(lookOf({}, { FORCE_COLOR: "0" }).colours).toBe(false);
});

it("what is beyond ASCII is for locales that have it: the first variable that is set decides", () => {
  expect(lookOf({}, { LANG: "en_GB.UTF-8" }).unicode).toBe(true);
  expect(lookOf({}, { LC_ALL: "", LANG: "C.utf8" }).unicode).toBe(true);
  expect(lookOf({}, { LC_ALL: "C", LANG: "en_GB.UTF-8" }).unicode).toBe(false);
});

it("the journal of systemd is told priorities, a descriptor that is another is not", () => {
  const fd = openSync("/dev/null", "r");
  const { dev, ino } = fstatSync(fd);
  expect(lookOf({ fd }, { JOURNAL_STREAM: `${dev}:${ino}` }).priorities).toBe(true);
  expect(lookOf({ fd }, { JOURNAL_STREAM: `${dev}:${ino + 1}` }).priorities).toBe(false);
  expect(lookOf({ fd: 999_999 }, { JOURNAL_STREAM: `${dev}:${ino}` }).priorities).toBe(false);
});
