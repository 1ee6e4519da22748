import { encodeEos, SESSION_MAGIC } from "@blkmig/protocol";
import type { Connection, Listener } from "@blkmig/transport";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { type Door, openDoor } from "./door.ts";
import type { SenderWire } from "./sender-wire.ts";

/** A listener at which the test arrives. */
function createListener(): { listener: Listener; arrive: () => Connection } {
  const waiting: Connection[] = [];
  const acceptors: ((peer: Connection | undefined) => void)[] = [];
  return {
    listener: {
      url: "memory:",
      accept: () =>
        new Promise((resolve) => {
          const peer = waiting.shift();
          if (peer) resolve(peer);
          else acceptors.push(resolve);
        }),
      async close() {
        for (const acceptor of acceptors.splice(0)) acceptor(undefined);
      },
    },
    arrive() {
      const [ours, theirs] = memoryPair();
      const acceptor = acceptors.shift();
      if (acceptor) acceptor(theirs);
      else waiting.push(theirs);
      return ours;
    },
  };
}

function open(options: { within?: number; atOnce?: number } = {}) {
  const { listener, arrive } = createListener();
  const dropped: string[] = [];
  let onDrop: (() => void) | undefined;
  const door: Door = openDoor({
    listener,
    within: options.within ?? 60_000,
    atOnce: options.atOnce ?? 64,
    onDrop(_, why) {
      dropped.push(why);
      onDrop?.();
    },
  });
  const untilDropped = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onDrop = () => dropped.length >= count && resolve();
      onDrop();
    });
  return { door, arrive, dropped, untilDropped };
}

const say = (peer: Connection, bytes: Uint8Array): void => void peer.send([bytes]).catch(() => {});
const EOS = encodeEos()[0]!;
/** Whatever was said has been heard. */
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
};

it("a silent peer does not hold up a sender", async () => {
  const { door, arrive, untilDropped, dropped } = open();
  arrive();
  say(arrive(), EOS);
  const sender = await door.next();
  const into = new Uint8Array(100);
  expect(await sender?.read(into)).toBe(8);
  expect(into.subarray(0, 8)).toEqual(EOS);
  await untilDropped(1);
  expect(dropped).toEqual(["another sender came first"]);
});

it("a sender may begin byte by byte", async () => {
  const { door, arrive } = open();
  const peer = arrive();
  for (const byte of EOS) say(peer, Uint8Array.of(byte));
  expect(await door.next()).toBeDefined();
});

it("strangers are dropped and told of: garbage, silence, an end", async () => {
  const { door, arrive, untilDropped, dropped } = open({ within: 20 });
  say(arrive(), Buffer.from("GET / HTTP/1.1\r\n"));
  await untilDropped(1);
  arrive();
  await untilDropped(2);
  void arrive().finish();
  await untilDropped(3);
  arrive().destroy();
  await untilDropped(4);
  expect(dropped).toMatchObject([
    expect.stringContaining("'GET / HT'"),
    "it said nothing for 20 ms",
    "the stream is empty",
    expect.stringContaining("went away"),
  ]);
  await door.close();
});

it("so many may be silent at once, and who was silent longest makes room for who comes", async () => {
  const { door, arrive, untilDropped, dropped } = open({ atOnce: 2 });
  const [longest] = [arrive(), arrive(), arrive()];
  await expect(longest.read(new Uint8Array(1))).rejects.toThrow("went away");
  await untilDropped(1);
  expect(dropped).toEqual(["it had not said who it is when 2 others had come after it"]);
  say(arrive(), EOS);
  expect(await door.next()).toBeDefined();
  await untilDropped(3);
});

it("one sender is let in at a time, the next when the door is open again", async () => {
  const { door, arrive, untilDropped, dropped } = open();
  say(arrive(), EOS);
  await door.next();
  say(arrive(), EOS);
  await untilDropped(1);
  expect(dropped).toEqual(["a migration is under way"]);
  door.open();
  say(arrive(), EOS);
  expect(await door.next()).toBeDefined();
});

it("who comes after one that began a session waits until it is known whether there is one, and goes there", async () => {
  const { door, arrive, dropped } = open();
  const early = arrive();
  say(arrive(), SESSION_MAGIC);
  await door.next();
  say(early, SESSION_MAGIC);
  const late = arrive();
  say(late, SESSION_MAGIC);
  const taken: SenderWire[] = [];
  const both = new Promise<void>((resolve) => {
    door.admit((wire) => void (taken.push(wire) === 2 && resolve()));
  });
  await both;
  expect(dropped).toEqual([]);
  for (const wire of taken) void wire.send!([Uint8Array.of(1)]);
  for (const peer of [early, late]) expect(await peer.read(new Uint8Array(2))).toBe(1);
});

it("who waited is the next when nothing came of the session, and of too many that wait the longest is dropped", async () => {
  const { door, arrive, dropped, untilDropped } = open({ atOnce: 2 });
  say(arrive(), SESSION_MAGIC);
  await door.next();
  const longest = arrive();
  say(longest, SESSION_MAGIC);
  await settle();
  const waiting = arrive();
  say(waiting, EOS);
  await settle();
  say(arrive(), SESSION_MAGIC);
  await untilDropped(1);
  await expect(longest.read(new Uint8Array(1))).rejects.toThrow("went away");
  expect(dropped).toEqual(["2 others came after it, and another sender came first"]);
  const next = door.next();
  door.open();
  expect((await next)?.speaks).toBe("classic");
  await untilDropped(2);
});

it("a closed door gives nobody", async () => {
  const { door } = open();
  const next = door.next();
  await door.close();
  expect(await next).toBeUndefined();
  expect(await door.next()).toBeUndefined();
});
