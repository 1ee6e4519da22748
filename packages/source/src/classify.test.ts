import type { Extent } from "@blkmig/device";
import { describe, expect, test } from "vitest";

import { classifyRun } from "./classify.ts";

const rules = { unit: 10, zeroes: true, skip: false };
const run = { offset: 100, length: 50 };

/** Extents from 100 on: `d` data, `z` zero, `u` unallocated and zero, `b` unallocated above data; a letter a byte pair. */
async function* extents(...parts: readonly (readonly ["d" | "z" | "u" | "b", number])[]): AsyncIterable<Extent> {
  let offset = 100;
  for (const [kind, length] of parts) {
    yield { offset, length, zero: kind === "z" || kind === "u", allocated: kind === "d" || kind === "z" };
    offset += length;
  }
}

describe("classifyRun", () => {
  test("whole units of zeroes are zero; the unit in which they end is not", async () => {
    expect(await classifyRun(extents(["z", 25], ["d", 25]), run, rules)).toEqual({ kind: "zero", length: 20 });
    expect(await classifyRun(extents(["z", 50]), run, rules)).toEqual({ kind: "zero", length: 50 });
  });
  test("a short last unit counts as whole", async () => {
    expect(await classifyRun(extents(["z", 45]), { offset: 100, length: 45 }, rules)).toEqual({
      kind: "zero",
      length: 45,
    });
  });
  test("data goes on to the end of the unit in which it ends", async () => {
    expect(await classifyRun(extents(["d", 21], ["z", 29]), run, rules)).toEqual({ kind: "data", length: 30 });
  });
  test("a unit that is only part zero is data", async () => {
    expect(await classifyRun(extents(["z", 9], ["d", 41]), run, rules)).toEqual({ kind: "data", length: 10 });
  });
  test("neighbouring extents of one kind count as one", async () => {
    expect(await classifyRun(extents(["z", 5], ["u", 5], ["z", 12], ["d", 28]), run, rules)).toEqual({
      kind: "zero",
      length: 20,
    });
  });
  test("zeroes are data where the wire has no frame for them", async () => {
    expect(await classifyRun(extents(["z", 50]), run, { ...rules, zeroes: false })).toEqual({
      kind: "data",
      length: 50,
    });
  });
  test("only what is not allocated above a shared base is skipped, and only in whole units", async () => {
    const skip = { ...rules, skip: true };
    expect(await classifyRun(extents(["b", 20], ["u", 15], ["d", 15]), run, skip)).toEqual({
      kind: "skip",
      length: 30,
    });
    expect(await classifyRun(extents(["b", 5], ["z", 45]), run, skip)).toEqual({ kind: "data", length: 10 });
    expect(await classifyRun(extents(["b", 50]), run, rules)).toEqual({ kind: "data", length: 50 });
  });
  test("a disk that says nothing is read", async () => {
    expect(await classifyRun(extents(), run, rules)).toEqual({ kind: "data", length: 50 });
  });
});
