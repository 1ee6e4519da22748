import { Writable } from "node:stream";

import { describe, expect, it } from "vitest";

import { createPeople } from "./people.ts";
import { createScreen } from "./screen.test-kit.ts";
import type { TerminalLook } from "./terminal-look.ts";

const MIB = 2 ** 20;
const progress = { phase: "bulk", done: MIB, total: 10 * MIB, rate: 0 };
const MOVES: TerminalLook = { moves: true, colours: false, unicode: true, priorities: false };
const PLAIN: TerminalLook = { ...MOVES, moves: false };

function createLog(highWaterMark?: number) {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      if (highWaterMark === undefined) done(); // else nobody reads
    },
  });
  return { stream, text: () => text };
}

describe("elsewhere than on a terminal", () => {
  it("a line of progress comes now and then, and when the phase changes", () => {
    let at = 0;
    const { stream, text } = createLog();
    const people = createPeople(stream, () => at, PLAIN);
    people.progress({ ...progress, total: 0 });
    for (; at <= 6000; at += 100) people.progress(progress);
    people.progress({ ...progress, phase: "dirty" });
    people.endProgress();
    people.error("no");
    expect(text().split("\n")).toEqual([
      "bulk · 10 % · 1.0 MiB of 10.0 MiB",
      "bulk · 10 % · 1.0 MiB of 10.0 MiB",
      "dirty · 10 % · 1.0 MiB of 10.0 MiB",
      "blkmig: no",
      "",
    ]);
  });

  it("progress is left out while nobody reads, and what is said is not", () => {
    let at = 0;
    const { stream } = createLog(1);
    const people = createPeople(stream, () => at, PLAIN);
    for (; at < 10_000 * 5000; at += 5000) people.progress(progress);
    const before = stream.writableLength;
    expect(before).toBeLessThan(70_000);
    people.warn("careful");
    expect(stream.writableLength - before).toBe("warning: careful\n".length);
  });

  it("the journal is told how grave each line is", () => {
    const { stream, text } = createLog();
    const people = createPeople(stream, () => 0, { ...PLAIN, priorities: true });
    people.line("one");
    people.warn("two");
    people.error("three");
    expect(text()).toBe("<6>one\n<4>warning: two\n<3>blkmig: three\n");
  });
});

const full = { ...progress, rate: MIB, pass: 2, dirtyRate: MIB / 4, expectedDowntime: 40 };

describe("on a terminal", () => {
  it.each([
    [20, "bulk · 10 %"],
    [40, "bulk · 10 % · 1.0 MiB/s · 12.0 s left"],
    [80, "bulk · 10 % · 1.0 MiB of 10.0 MiB · 1.0 MiB/s · 12.0 s left"],
    [
      200,
      "bulk · 10 % · 1.0 MiB of 10.0 MiB · 1.0 MiB/s · 12.0 s left · pass 2 · guest writes 256 KiB/s · pause 40 ms",
    ],
  ])("of %d columns one line moves, and what is said scrolls away above it", async (columns, line) => {
    let at = 0;
    const screen = createScreen(columns);
    const people = createPeople(screen.stream, () => at, MOVES);
    people.progress({ ...full, phase: "a rather long name of a phase", done: 9 * MIB });
    at += 1000;
    people.progress(full);
    people.line("hello");
    people.warn("careful");
    expect(await screen.rows()).toEqual(["hello", "warning: careful", line]);
    people.endProgress();
    people.line("completed");
    expect(await screen.rows()).toEqual(["hello", "warning: careful", "completed"]);
  });

  it("a change is one write, and what is the same is none", () => {
    let at = 0;
    const screen = createScreen(80);
    const people = createPeople(screen.stream, () => at, MOVES);
    for (; at < 1000; at += 100) people.progress(progress);
    expect(screen.writes).toBe(1);
    people.progress({ ...progress, done: 2 * MIB });
    people.line("hello");
    expect(screen.writes).toBe(3);
  });

  it("one whose width changes has the line as it fits there, at once, and nothing is left over", async () => {
    const screen = createScreen(80);
    const people = createPeople(screen.stream, () => 0, MOVES);
    people.line("hello");
    people.progress(full);
    await screen.resize(120);
    await screen.resize(40);
    expect(await screen.rows()).toEqual(["hello", "bulk · 10 % · 1.0 MiB/s · 12.0 s left"]);
    await screen.resize(100);
    expect((await screen.rows()).at(-1)).toContain("guest writes");
    people.endProgress();
    expect(await screen.rows()).toEqual(["hello"]);
    await screen.resize(40);
    expect(await screen.rows()).toEqual(["hello"]);
  });
});
