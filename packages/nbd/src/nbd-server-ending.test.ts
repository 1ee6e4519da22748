import type { BlockDevice } from "@blkmig/device";
import { expect, test } from "vitest";

import { contextData, garbageDisk, type HandClient, patternAt, serverUnderTest } from "./nbd-server.test-kit.ts";

const [READ, WRITE, CACHE] = [0, 1, 5] as const;
const STRUCTURED = 8;

/** A disk that holds its requests until it lets go of all. */
function heldDisk() {
  const disk = garbageDisk();
  let letGo: () => void = () => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let underWay = 0;
  const device: BlockDevice = {
    ...disk,
    async read(offset, into) {
      underWay += 1;
      await gate;
      await disk.read(offset, into);
    },
    async write(offset, data) {
      underWay += 1;
      await gate;
      await disk.write(offset, data);
    },
  };
  return { device, letGo: () => letGo(), underWay: () => underWay };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => void (settled = true);
  promise.then(note, note);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("`finish` answers what was asked for, and reads no more", async () => {
  const { device, letGo, underWay } = heldDisk();
  const { server, join, events } = serverUnderTest([{ name: "disk", device }]);
  const hand = join();
  await hand.go("disk");
  await hand.request(READ, 1n, { length: 10 });
  await expect.poll(underWay).toBe(1);
  const dropped = server.drop("disk", "finish");
  void hand.request(READ, 2n, { length: 10 }).catch(() => {});
  expect(await isSettled(dropped)).toBe(false);
  letGo();
  expect((await hand.reply()).data).toEqual(patternAt(0, 10));
  expect(await hand.connection.read(new Uint8Array(1))).toBe(0);
  await hand.connection.finish();
  await dropped;
  expect(underWay()).toBe(1);
  expect(events.at(-1)).toMatchObject({ type: "left", why: "export 'disk' is no longer served" });
});

test("`finish` does not wait for the rest of a write, which never happens", async () => {
  const { device, underWay } = heldDisk();
  const { server, join } = serverUnderTest([{ name: "disk", device }]);
  const hand = join();
  await hand.go("disk");
  await hand.request(WRITE, 1n, { length: 100, data: patternAt(0, 50) });
  const closed = server.close("finish");
  expect(await hand.connection.read(new Uint8Array(1))).toBe(0);
  await hand.connection.finish();
  await closed;
  expect(underWay()).toBe(0);
});

test("`now` hangs up at once and overtakes `finish`; what is under way ends at the device", async () => {
  const { device, letGo, underWay } = heldDisk();
  const { server, join } = serverUnderTest([{ name: "disk", device }]);
  const hand = join();
  await hand.go("disk");
  await hand.request(READ, 1n, { length: 10 });
  await expect.poll(underWay).toBe(1);
  const finishing = server.close("finish");
  const closed = server.close("now");
  await expect(hand.reply()).rejects.toThrow("went away");
  expect(await isSettled(Promise.race([finishing, closed]))).toBe(false);
  letGo();
  await Promise.all([finishing, closed]);
  expect(server.clients()).toEqual([]);
});

test("a long reading ahead for a client that was hung up on ends early", async () => {
  const disk = garbageDisk(8 * 1024 * 1024);
  let reads = 0;
  const device: BlockDevice = {
    ...disk,
    async read() {
      reads += 1;
      if (reads === 2) void server.close("now");
    },
  };
  const { server, join } = serverUnderTest([{ name: "disk", device }]);
  const hand = join();
  await hand.go("disk");
  await hand.request(CACHE, 1n, { length: 8 * 1024 * 1024 });
  await expect(hand.reply()).rejects.toThrow("went away");
  await server.close("now");
  expect(reads).toBe(2);
});

test("a client that was hung up on for a write of gigabytes leaves nothing that the end would wait for", async () => {
  const { server, join } = serverUnderTest([{ name: "disk", device: garbageDisk() }]);
  const hand = join();
  await hand.go("disk");
  await hand.request(WRITE, 1n, { length: 0xffffffff });
  await expect(hand.reply()).rejects.toThrow("went away");
  await expect.poll(() => server.clients()).toEqual([]);
  await server.close("finish");
});

/** A client that has read something. */
async function atWork(hand: HandClient): Promise<HandClient> {
  await hand.go("disk");
  await hand.request(READ, 1n, { length: 4 });
  expect((await hand.reply()).error).toBe(0);
  return hand;
}

test("a closed server, and a full one, hang up on who comes", async () => {
  const { server, join, events } = serverUnderTest([{ name: "disk", device: garbageDisk() }], {
    limits: { clients: 1 },
  });
  await atWork(join());
  await expect(join().read(1)).rejects.toThrow("went away");
  expect(server.clients()).toMatchObject([{ exportName: "disk" }]);
  const closed = server.close("now");
  await expect(join().read(1)).rejects.toThrow("went away");
  await closed;
  const refusals = events.flatMap((event) => (event.type === "refused" ? [event.why] : []));
  expect(refusals).toEqual(["there are 1 clients already", "the server is closed"]);
});

test("of a full server the longest that has said nothing makes room for who comes", async () => {
  const { server, join, events } = serverUnderTest([{ name: "disk", device: garbageDisk() }], {
    limits: { clients: 4 },
  });
  const [spoke, silent, other] = [join(), join(), join()];
  await spoke.greet();
  await spoke.ask(STRUCTURED);
  await silent.read(18); // the greeting
  await other.read(18);
  await atWork(join());
  await atWork(join());
  await expect(silent.read(1)).rejects.toThrow("went away");
  expect((await spoke.ask(STRUCTURED)).at(-1)!.reply).toBe(1);
  const refusals = events.flatMap((event) => (event.type === "refused" ? [event.why] : []));
  expect(refusals).toEqual(["it had said nothing when 4 clients were there"]);
  await server.close("now");
});

test("where most have spoken, it is the longest for which nothing was done; who works is never hung up on", async () => {
  const { server, join, events } = serverUnderTest([{ name: "disk", device: garbageDisk() }], {
    limits: { clients: 3 },
  });
  const first = await atWork(join());
  const liar = join();
  await liar.go("disk");
  await liar.request(READ, 1n, { length: 0xffffffff });
  expect((await liar.reply()).error).not.toBe(0);
  const idle = join();
  await idle.go("disk");
  await atWork(join());
  await expect(liar.reply()).rejects.toThrow("went away");
  await atWork(join());
  await expect(idle.reply()).rejects.toThrow("went away");
  await expect(join().read(1)).rejects.toThrow("went away");
  await first.request(READ, 2n, { length: 4 });
  expect((await first.reply()).data).toEqual(patternAt(0, 4));
  const why = events.flatMap((event) => (event.type === "left" || event.type === "refused" ? [String(event.why)] : []));
  const asked = "it had asked for nothing that could be done when 3 clients were there";
  expect(why.toSorted()).toEqual([asked, asked, "there are 3 clients already"]);
  await server.close("now");
});

test("a crowd that has chosen and asks for nothing does not drive out who has just come", async () => {
  const { server, join } = serverUnderTest([{ name: "disk", device: garbageDisk() }], { limits: { clients: 4 } });
  const silent = join();
  await silent.read(18); // the greeting
  const longest = join();
  for (const each of [longest, join(), join()]) await each.go("disk");
  await atWork(join());
  await expect(longest.reply()).rejects.toThrow("went away");
  await silent.connection.send([Uint8Array.of(0, 0, 0, 3)]);
  expect((await silent.ask(STRUCTURED)).at(-1)!.reply).toBe(1);
  await server.close("now");
});

test("dropping an export leaves the clients of others alone", async () => {
  const { server, join } = serverUnderTest([
    { name: "a", device: garbageDisk() },
    { name: "b", device: garbageDisk() },
  ]);
  const [a, b] = [join(), join()];
  await Promise.all([a.go("a"), b.go("b")]);
  await server.drop("a", "now");
  await expect(a.reply()).rejects.toThrow("went away");
  await b.request(READ, 1n, { length: 4 });
  expect((await b.reply()).data).toEqual(patternAt(0, 4));
});

test("a client that is about to be told of its export is dropped with the others", async () => {
  const { server, join } = serverUnderTest([{ name: "disk", device: garbageDisk() }]);
  const hand = join();
  await hand.greet();
  await hand.say(1, new TextEncoder().encode("disk"));
  await expect.poll(() => server.clients()).toHaveLength(1);
  await server.drop("disk", "finish");
  await expect(hand.read(10)).rejects.toThrow("went away");
});

const LINK = { run: "boot", disk: "m1" };

/** Up to the answer to SET_META_CONTEXT: who asks for a link waits for it. */
async function linked(hand: HandClient, key: string): Promise<void> {
  await hand.greet();
  await hand.ask(8);
  const answers = await hand.ask(10, contextData("disk", [`blkmig:link:${key}`]));
  expect(answers).toHaveLength(2);
}

test("a newer link is welcomed when the older one's requests have settled at the device, and not before", async () => {
  const { device, letGo, underWay } = heldDisk();
  const { join } = serverUnderTest([{ name: "disk", device, link: LINK }]);
  const [old, other, newer, newest] = [join(), join(), join(), join()];
  await Promise.all([
    old.go("disk", { contexts: ["blkmig:link:k"] }),
    other.go("disk", { contexts: ["blkmig:link:x"] }),
  ]);
  await old.request(WRITE, 1n, { data: patternAt(5, 10) });
  await expect.poll(underWay).toBe(1);
  const welcome = linked(newer, "k");
  welcome.catch(() => {});
  await expect(old.reply()).rejects.toThrow("went away");
  expect(await isSettled(welcome)).toBe(false);
  const last = linked(newest, "k");
  await expect(welcome).rejects.toThrow("went away"); // the newest one wins
  expect(await isSettled(last)).toBe(false);
  letGo();
  await last;
  await other.request(READ, 1n, { length: 10 }); // another key is another link
  expect((await other.reply()).data).toEqual(patternAt(5, 10));
});

test("a link that waits for an older one is not hung up on for being slow", async () => {
  const { device, letGo, underWay } = heldDisk();
  const sleeps: (() => void)[] = [];
  const clock = { now: () => 0, sleep: async () => new Promise<void>((resolve) => void sleeps.push(resolve)) };
  const { join } = serverUnderTest([{ name: "disk", device, link: LINK }], { clock });
  const [old, newer] = [join(), join()];
  await old.go("disk", { contexts: ["blkmig:link:k"] });
  await old.request(WRITE, 1n, { data: patternAt(5, 10) });
  await expect.poll(underWay).toBe(1);
  const welcome = linked(newer, "k");
  await expect(old.reply()).rejects.toThrow("went away");
  for (const wake of sleeps.splice(0)) wake();
  expect(await isSettled(welcome)).toBe(false);
  letGo();
  await welcome;
});

test("an export without a link ignores the question, and a list fences nobody", async () => {
  const { join } = serverUnderTest([
    { name: "disk", device: garbageDisk() },
    { name: "linked", device: garbageDisk(), link: LINK },
  ]);
  const plain = join();
  await plain.greet();
  await plain.ask(8);
  expect(await plain.ask(10, contextData("disk", ["blkmig:link:k"]))).toHaveLength(1);
  const link = join();
  await link.go("linked", { contexts: ["blkmig:link:k"] });
  expect(await plain.ask(9, contextData("linked", ["blkmig:"]))).toHaveLength(2);
  await link.request(READ, 1n, { length: 4 });
  expect((await link.reply()).error).toBe(0);
});
