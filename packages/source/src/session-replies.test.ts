import { systemClock } from "@blkmig/device";
import { expect, test } from "vitest";

import { createReplies } from "./session-replies.ts";

const quiet = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const extent = (offset: number) => ({ disk: 0, offset, length: 4096 });

test("frames are acknowledged in the order in which they were sent, up to the one that is named", async () => {
  const replies = createReplies(systemClock);
  const landed: number[] = [];
  for (const nth of [1, 2, 3]) void replies.carry(100, nth * 132).then(() => landed.push(nth));
  expect(replies).toMatchObject({ carried: 3, unacknowledged: 300, acknowledged: 0 });
  replies.onAck(2);
  await quiet();
  expect(landed).toEqual([1, 2]);
  expect(replies).toMatchObject({ unacknowledged: 100, acknowledged: 264 });
  replies.onAck(2);
  replies.onAck(3);
  await quiet();
  expect(landed).toEqual([1, 2, 3]);
  expect(replies).toMatchObject({ carried: 3, unacknowledged: 0, acknowledged: 396 });
});

test("a count of frames that were not sent, or that goes back, is a lie", () => {
  const replies = createReplies(systemClock);
  expect(() => replies.onAck(1)).toThrow("it acknowledged 1 of 0 frames");
  for (const sent of [1, 2]) void replies.carry(1, sent);
  replies.onAck(2);
  expect(() => replies.onAck(1)).toThrow("it acknowledged 1 of 2 frames");
  expect(() => replies.onAck(3)).toThrow("it acknowledged 3 of 2 frames");
});

test("answers find their questions, equal ones in their order", async () => {
  const replies = createReplies(systemClock);
  const answers: string[] = [];
  const ask = (name: string, offset: number): void =>
    void replies.ask(extent(offset)).then((equal) => answers.push(`${name} ${equal}`));
  ask("first", 0);
  ask("other", 4096);
  ask("second", 0);
  expect(replies.unanswered).toBe(3);
  replies.onAnswer({ ...extent(4096), equal: true });
  replies.onAnswer({ ...extent(0), equal: false });
  replies.onAnswer({ ...extent(0), equal: true });
  await quiet();
  expect(answers).toEqual(["other true", "first false", "second true"]);
  expect(replies.unanswered).toBe(0);
});

test.each([
  ["a question of another extent", extent(4096)],
  ["another length", { ...extent(0), length: 512 }],
  ["another disk", { ...extent(0), disk: 1 }],
])("an answer to %s is a lie", (_, answered) => {
  const replies = createReplies(systemClock);
  void replies.ask(extent(0));
  expect(() => replies.onAnswer({ ...answered, equal: true })).toThrow("it answered what nobody had asked");
});

test("messages are given by their word, in order; one that nobody waits for is passed over", async () => {
  const replies = createReplies(systemClock);
  replies.onMessage({ say: "flushed", serial: 0, ms: 9 });
  const [first, second, sealed] = [replies.message("flushed"), replies.message("flushed"), replies.message("sealed")];
  replies.onMessage({ say: "sealed", attempt: 3 });
  replies.onMessage({ say: "flushed", serial: 1, ms: 1 });
  replies.onMessage({ say: "flushed", serial: 2, ms: 2 });
  expect(await first).toMatchObject({ serial: 1 });
  expect(await second).toMatchObject({ serial: 2 });
  expect(await sealed).toMatchObject({ attempt: 3 });
});

test("how long the peer has kept us waiting is counted from what it last did, and words alone do nothing", async () => {
  let now = 0;
  const replies = createReplies({ now: () => now });
  for (const sent of [1, 2]) void replies.carry(1, sent);
  now += 100;
  expect(replies.owed).toBe(100);
  const flushed = replies.message("flushed");
  replies.onMessage({ say: "flushed", serial: 0, ms: 1 });
  await flushed;
  expect(replies).toMatchObject({ owed: 100, progress: 0 });
  replies.onAck(1);
  now += 30;
  expect(replies).toMatchObject({ owed: 30, progress: 1 });
  replies.onAck(1); // says nothing new
  expect(replies.owed).toBe(30);
});

test("when the connection ends everybody is told why, whoever waits now or later; the first reason stays", async () => {
  const replies = createReplies(systemClock);
  const waiting = [replies.carry(1, 1), replies.ask(extent(0)), replies.message("sealed")];
  replies.end(new Error("cut"));
  replies.end(new Error("again"));
  const later = [replies.carry(1, 1), replies.ask(extent(0)), replies.message("sealed")];
  for (const promise of [...waiting, ...later]) await expect(promise).rejects.toThrow("cut");
  expect(replies.carried, "what is not sent is not counted").toBe(1);
});

test("how long nothing was answered is counted from the last answer of any kind, and only while something is asked for", () => {
  let now = 0;
  const replies = createReplies({ now: () => now });
  now += 1000;
  expect(replies.unheardMs).toBe(0);
  void replies.carry(100, 132);
  void replies.message("flushed");
  now += 50;
  expect(replies.unheardMs).toBe(50);
  replies.onMessage({ say: "flushed", serial: 0, ms: 50 });
  now += 7;
  expect(replies.unheardMs).toBe(7);
  replies.onMessage({ say: "flushed", serial: 0, ms: 50 }); // nobody had asked: no answer
  expect(replies.unheardMs).toBe(7);
  replies.onAck(1);
  now += 1000;
  expect(replies.unheardMs).toBe(0);
});
