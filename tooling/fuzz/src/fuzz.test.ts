import { describe, expect, test } from "vitest";

import { failureOf, runCampaign } from "./campaign.ts";
import { readCorpus } from "./corpus.ts";
import { Finding } from "./finding.ts";
import { shrink } from "./shrink.ts";
import type { Target } from "./target.ts";
import { TARGETS, targetOf } from "./targets.ts";
import { Trace } from "./trace.ts";

/** Those that read whole streams with all that is around them are slower: fewer inputs are as many bytes. */
const INPUTS: ReadonlyMap<string, number> = new Map([
  ["inspect", 2500],
  ["ram-pages", 6000],
  ["envelope", 10_000],
]);
const MOST_INPUTS = 20_000;
/** What a pool of inputs, and code that is compiled, may take; a leak of 2 KiB an input would be more. */
const MOST_GROWN_BYTES = 32 * 1024 * 1024;

describe.each(TARGETS)("the decoder $name", (target) => {
  test("answers thousands of inputs or refuses them, in every way that it has, and holds no more than before", async () => {
    const inputs = INPUTS.get(target.name) ?? MOST_INPUTS;
    const { failure, reached, grownBytes } = await runCampaign({ target, seed: 2, inputs });
    expect(failure).toBeUndefined();
    expect(target.mustReach.filter((what) => !reached.has(what))).toEqual([]);
    expect(grownBytes).toBeLessThan(MOST_GROWN_BYTES);
  });
});

test.each([...readCorpus()])("what once failed is answered: $target, seed $seed", async (input) => {
  expect(await failureOf(targetOf(input.target), input, new Trace(), true)).toBeUndefined();
});

/** A decoder with faults: three bytes that may not stand side by side, and a memory of what came before. */
function flawed(fault: "throws" | "remembers" | "cut"): Target {
  let before = 0;
  return {
    name: "flawed",
    make: (input, random) => void input.fill(random.int(4), 20 + random.int(60)).u8(random.int(4)),
    feed({ bytes, seed }, trace) {
      const at = bytes.findIndex((byte, index) => byte === 3 && bytes[index + 1] === 1);
      if (fault === "throws" && at >= 0) throw new TypeError(`within, at ${at}`);
      trace.note("answer", bytes.length, fault === "remembers" ? before++ : fault === "cut" ? seed : 0);
    },
    mustReach: [],
  };
}

describe("a decoder with a fault", () => {
  test.each([
    ["throws", "within, at"],
    ["remembers", "answers the same input in two ways"],
    ["cut", "answers otherwise where the wire is cut otherwise"],
  ] as const)("is found out: it %s", async (fault, message) => {
    const { failure } = await runCampaign({ target: flawed(fault), seed: 1, inputs: 20_000 });
    expect(failure?.error).toMatchObject({ message: expect.stringContaining(message) });
  });

  test("fails by an input that is shrunk to what matters", async () => {
    const target = flawed("throws");
    const { failure } = await runCampaign({ target, seed: 1, inputs: 20_000 });
    const small = await shrink(failure!.bytes, async (bytes) => {
      return (await failureOf(target, { ...failure!, bytes }, new Trace(), false)) !== undefined;
    });
    expect([...small]).toEqual([3, 1]);
  });
});

test("a finding is told from what a decoder may throw", async () => {
  const target: Target = { ...flawed("cut"), feed: () => Promise.reject(new Finding("hangs")) };
  const { failure } = await runCampaign({ target, seed: 1, inputs: 1 });
  expect(failure?.error).toBeInstanceOf(Finding);
});
