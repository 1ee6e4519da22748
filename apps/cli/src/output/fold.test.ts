import { expect, it } from "vitest";

import { createFold } from "./fold.ts";

/** A fold in virtual time, and what it has told. */
function open() {
  const told: string[] = [];
  const waiting: { readonly at: number; readonly act: () => void }[] = [];
  let now = 0;
  const fold = createFold({
    tell: (message) => void told.push(message),
    later: (ms, act) => void waiting.push({ at: now + ms, act }),
  });
  const pass = (seconds: number): readonly string[] => {
    const [end, before] = [now + seconds * 1000, told.length];
    for (;;) {
      waiting.sort((a, b) => a.at - b.at);
      if (waiting.length === 0 || waiting[0]!.at > end) break;
      const next = waiting.shift()!;
      now = next.at;
      next.act();
    }
    now = end;
    return told.slice(before);
  };
  const tell = (count: number, why: string): void => {
    for (let at = 0; at < count; at++) fold.tell(`dropped ${at}: ${why}`, why);
  };
  return { told, pass, tell, flush: () => fold.flush() };
}

it("the first five of a kind are told as they come, the others in a line a while later", () => {
  const { told, tell, pass } = open();
  tell(5, "the stream is empty");
  expect(told).toHaveLength(5);
  tell(37, "the stream is empty");
  expect(told).toHaveLength(5);
  expect(pass(1)).toEqual(["dropped 36: the stream is empty (and 36 more)"]);
});

it("a flood that lasts is told more and more seldom, and once a minute at the least", () => {
  const { told, tell, pass } = open();
  for (let second = 0; second < 600; second++) {
    tell(1000, "the stream is empty");
    pass(1);
  }
  expect(told.length).toBeLessThan(25);
  expect(told.length).toBeGreaterThan(10);
});

it("figures and quotations make no new kind, and there are three of them, and the rest", () => {
  const { told, tell, pass } = open();
  for (let at = 0; at < 100; at++) tell(1, `it begins with '${at}x' and ${at} bytes`);
  expect(told).toHaveLength(5);
  for (let at = 0; at < 1000; at++) tell(6, `kind ${String.fromCodePoint(0x100 + at)}`);
  pass(1);
  expect(told.length).toBeLessThanOrEqual(6 * 4);
});

it("other kinds are told as they come, and so is one that was quiet", () => {
  const { told, tell, pass } = open();
  tell(100, "the stream is empty");
  tell(1, "it said nothing");
  expect(told.at(-1)).toBe("dropped 0: it said nothing");
  pass(60);
  tell(1, "the stream is empty");
  expect(told.at(-1)).toBe("dropped 0: the stream is empty");
});

it("what was counted is told at the end, and not twice", () => {
  const { told, tell, pass, flush } = open();
  tell(6, "the stream is empty");
  flush();
  expect(told.at(-1)).toBe("dropped 5: the stream is empty");
  expect(pass(100)).toEqual([]);
  expect(told).toHaveLength(6);
});
