import { expect, test } from "vitest";

import { createReplyOutbox } from "./server-outbox.ts";

/** A wire that takes what it is given when it is told to. */
function slowWire() {
  const sends: { readonly text: string; readonly segments: number; readonly done: (error?: Error) => void }[] = [];
  const send = async (data: readonly Uint8Array[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error ? reject(error) : resolve());
      sends.push({ text: Buffer.concat(data).toString(), segments: data.length, done });
    });
  return { sends, send };
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const text = (word: string) => new TextEncoder().encode(word);

function letter(word: string) {
  return (view: DataView, at: number) => view.setUint8(at, word.charCodeAt(0));
}

test("replies that are ready in one turn, or while others are being sent, leave together and in order", async () => {
  const { sends, send } = slowWire();
  const settled: string[] = [];
  const outbox = createReplyOutbox({ send, headerBytes: 64, onFailure: () => {} });
  const say = (word: string, payload: readonly Uint8Array[] = []) =>
    outbox.reply(1, letter(word), payload, () => void settled.push(word));
  for (const word of ["a", "b", "c"]) say(word);
  await turn();
  say("d", [text("12"), text("3")]);
  await Promise.resolve();
  say("e");
  say("f");
  await turn();
  expect(sends.map((each) => each.text)).toEqual(["abc"]);
  expect(settled).toEqual([]);
  sends[0]!.done();
  await turn();
  expect(settled).toEqual(["a", "b", "c"]);
  expect(sends.map((each) => [each.text, each.segments])).toEqual([
    ["abc", 1],
    ["d123ef", 4],
  ]);
  sends[1]!.done();
  await turn();
  expect(settled.join("")).toBe("abcdef");
});

test("when the wire breaks, all that waits settles, and it is said once", async () => {
  const { sends, send } = slowWire();
  const failures: unknown[] = [];
  let settled = 0;
  const outbox = createReplyOutbox({ send, headerBytes: 64, onFailure: (reason) => void failures.push(reason) });
  const say = () => outbox.reply(1, letter("x"), [], () => void settled++);
  say();
  await turn();
  say();
  sends[0]!.done(new Error("cut"));
  await turn();
  say();
  await turn();
  expect([settled, sends.length, failures]).toEqual([3, 1, [new Error("cut")]]);
});
