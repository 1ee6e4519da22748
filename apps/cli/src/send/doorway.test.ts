import { encodeSessionPreface } from "@blkmig/protocol";
import type { Connection } from "@blkmig/transport";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { createDoorway } from "./doorway.ts";

const OPENING = [new TextEncoder().encode("the opening")];
const MAGIC = encodeSessionPreface()[0]!;
const NEVER = new AbortController().signal;

function open(options: { within?: number; atOnce?: number } = {}) {
  const waiting: Connection[] = [];
  const acceptors: ((caller: Connection) => void)[] = [];
  const dropped: string[] = [];
  const doorway = createDoorway({
    listener: {
      accept: () =>
        new Promise((resolve) => {
          const caller = waiting.shift();
          if (caller) resolve(caller);
          else acceptors.push(resolve);
        }),
    },
    within: options.within ?? 60_000,
    atOnce: options.atOnce ?? 64,
    onDrop: (_, why) => void dropped.push(why),
  });
  const dial = (): Connection => {
    const [ours, theirs] = memoryPair();
    const acceptor = acceptors.shift();
    if (acceptor) acceptor(theirs);
    else waiting.push(theirs);
    return ours;
  };
  return { doorway, dial, dropped };
}

const say = (caller: Connection, bytes: Uint8Array): void => void caller.send([bytes]).catch(() => {});

async function readText(from: Connection): Promise<string> {
  const into = new Uint8Array(100);
  return new TextDecoder().decode(into.subarray(0, await from.read(into)));
}

it("a silent caller and one that babbles hold up nobody, and each is told the opening", async () => {
  const { doorway, dial, dropped } = open();
  const hearing = doorway.hear(OPENING, NEVER);
  const [silent, babbler, receiver] = [dial(), dial(), dial()];
  expect(await readText(silent)).toBe("the opening");
  say(babbler, new TextEncoder().encode("x".repeat(1000)));
  for (const byte of MAGIC) say(receiver, Uint8Array.of(byte));
  say(receiver, Uint8Array.of(1, 2, 3));
  const heard = (await hearing)!;
  expect(await readText(receiver)).toBe("the opening");
  const into = new Uint8Array(100);
  expect(await heard.read(into)).toBe(MAGIC.length); // what it said to be recognised is said again
  expect(into.subarray(0, MAGIC.length)).toEqual(MAGIC);
  expect(await heard.read(into)).toBe(3);
  expect(dropped).toEqual(["this is no receiver of blkmig: it begins with 'xxxxxxxx'", "another receiver came first"]);
});

it("who answers later than the first is dropped, and who dials meanwhile is kept for the next time", async () => {
  const { doorway, dial, dropped } = open();
  const first = dial();
  say(first, MAGIC);
  expect(await doorway.arrived(NEVER)).toBe(true);
  expect(await doorway.hear(OPENING, NEVER)).toBeDefined();
  const second = dial();
  expect(await doorway.hear(OPENING, AbortSignal.timeout(1))).toBeUndefined();
  expect(dropped).toEqual(["the sender waits no longer"]);
  await expect(second.read(new Uint8Array(100))).rejects.toThrow("went away");
  const hearing = doorway.hear(OPENING, NEVER);
  say(dial(), MAGIC);
  expect(await hearing).toBeDefined();
});

it("a caller that says nothing is dropped in time, and the longest makes room for who comes", async () => {
  const { doorway, dial, dropped } = open({ within: 20, atOnce: 2 });
  const hearing = doorway.hear(OPENING, NEVER);
  for (let each = 0; each < 3; each++) dial();
  await expect.poll(() => dropped).toHaveLength(3);
  expect(dropped[0]).toMatch(/when 2 others had come after it/);
  expect(dropped.slice(1)).toEqual(["it said nothing for 20 ms", "it said nothing for 20 ms"]);
  say(dial(), MAGIC);
  expect(await hearing).toBeDefined();
});

it("on a wire that nobody answers whoever dialled first is the receiver", async () => {
  const { doorway, dial } = open();
  const caller = dial();
  expect(await doorway.arrived(NEVER)).toBe(true);
  say(caller, Uint8Array.of(7));
  const into = new Uint8Array(1);
  expect(await (await doorway.next(NEVER))!.read(into)).toBe(1);
  expect(await doorway.next(AbortSignal.timeout(1))).toBeUndefined();
});
