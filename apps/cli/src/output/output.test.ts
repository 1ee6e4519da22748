import { Writable } from "node:stream";

import { expect, it } from "vitest";

import { formatBytes, formatPercent, formatTime } from "./format-amounts.ts";
import { createPeople, type PeopleStream } from "./people.ts";
import { printable } from "./printable.ts";
import { describeProgress } from "./progress.ts";
import { createRate } from "./rate.ts";
import { createStatusLimit } from "./status-limit.ts";

const MIB = 2 ** 20;

it.each([
  [formatBytes(0), "0 bytes"],
  [formatBytes(1023), "1023 bytes"],
  [formatBytes(1536), "1.5 KiB"],
  [formatBytes(300 * MIB), "300 MiB"],
  [formatBytes(3 * 2 ** 40), "3.0 TiB"],
  [formatTime(12.3), "12 ms"],
  [formatTime(1500), "1.5 s"],
  [formatTime(200_000), "3 min 20 s"],
  [formatTime(7_500_000), "2 h 5 min"],
  [formatPercent(0, 0), "100 %"],
  [formatPercent(999, 1000), "99 %"],
  [formatPercent(1000, 1000), "100 %"],
])("%s is written %s", (text, expected) => expect(text).toBe(expected));

it("a peer's name cannot speak to the terminal, nor begin a line", () => {
  expect(printable("a\u001B[2Jb\nc\u202Ed\u009Be")).toBe("a\\u{1b}[2Jb c\\u{202e}d\\u{9b}e");
});

it("progress says how far, how fast, how long, which pass and what the guest writes", () => {
  const progress = { phase: "dirty", done: 90 * MIB, total: 100 * MIB, rate: 5 * MIB, pass: 2, dirtyRate: MIB };
  expect(describeProgress(progress)).toBe(
    "dirty 90 % · 90.0 MiB of 100 MiB · 5.0 MiB/s · 2.0 s left · pass 2 · guest writes 1.0 MiB/s",
  );
  expect(describeProgress({ phase: "dirty", done: MIB, total: MIB, rate: 0, memory: { remaining: 3 * MIB } })).toBe(
    "dirty 100 % · 1.0 MiB of 1.0 MiB · 3.0 MiB of memory left",
  );
  expect(describeProgress({ phase: "bulk", done: 0, total: MIB, rate: 0 })).toBe("bulk 0 % · 0 bytes of 1.0 MiB");
});

it("a status is told at most ten times a second, a change before what is steady", () => {
  let at = 0;
  const mayTell = createStatusLimit(() => at);
  const told: string[] = [];
  for (; at < 1000; at += 5) {
    const phase = at < 950 ? "bulk" : `phase ${at}`;
    if (mayTell(phase)) told.push(phase);
  }
  expect(told).toHaveLength(10);
  expect(told.filter((phase) => phase !== "bulk")).toHaveLength(5);
});

it("a rate is what the last second saw", () => {
  let at = 0;
  const rate = createRate(() => at);
  at = 1000;
  expect(rate(500)).toBe(500);
  at = 2000;
  expect(rate(2500)).toBe(2000);
});

function createStream(isTTY: boolean): { stream: PeopleStream; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 40 }), text: () => text };
}

const progress = { phase: "bulk", done: 1, total: 10 * MIB, rate: 0 };

it("elsewhere than on a terminal a line of progress comes now and then, and when the phase changes", () => {
  let at = 0;
  const { stream, text } = createStream(false);
  const people = createPeople(stream, () => at);
  people.progress({ ...progress, total: 0 });
  for (; at <= 6000; at += 100) people.progress(progress);
  people.progress({ ...progress, phase: "dirty" });
  people.endProgress();
  people.error("no");
  expect(text().split("\n")).toEqual([
    "bulk 0 % · 1 bytes of 10.0 MiB",
    "bulk 0 % · 1 bytes of 10.0 MiB",
    "dirty 0 % · 1 bytes of 10.0 MiB",
    "blkmig: no",
    "",
  ]);
});

it("on a terminal the line moves, fits, and makes way for what is said", () => {
  const { stream, text } = createStream(true);
  const people = createPeople(stream, () => 0);
  people.progress({ ...progress, rate: MIB });
  people.line("hello");
  people.endProgress();
  const painted = "bulk 0 % · 1 bytes of 10.0 MiB · 1.0 Mi";
  const erased = "\u001B[1G\u001B[2K";
  expect(painted).toHaveLength(39);
  expect(text()).toBe(`${painted}${erased}hello\n${painted}${erased}`);
});
