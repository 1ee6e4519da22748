import type { BlockDevice } from "@blkmig/device";
import { expect, test } from "vitest";

import { garbageDisk, type HandClient, patternAt, serverUnderTest } from "./nbd-server.test-kit.ts";

const [READ, WRITE, FLUSH, ZEROES] = [0, 1, 3, 6] as const;
const FUA = 1;

/** A disk whose requests end when they are told to, and which says what was asked of it. */
function slowDisk(size?: number) {
  const disk = garbageDisk(size);
  const log: string[] = [];
  const held: { readonly what: string; readonly go: () => void }[] = [];
  const hold = async (what: string): Promise<void> => {
    log.push(what);
    await new Promise<void>((go) => held.push({ what, go }));
  };
  const device: BlockDevice = {
    ...disk,
    async read(offset, into) {
      await hold(`read ${offset}`);
      await disk.read(offset, into);
    },
    async write(offset, data) {
      await hold(`write ${offset}`);
      await disk.write(offset, data);
      log.push(`wrote ${offset}`);
    },
    async zero(offset, length, options) {
      await hold(`zero ${offset}`);
      await disk.zero(offset, length, options);
    },
    flush: async () => hold("flush"),
  };
  return {
    device,
    disk,
    log,
    /** Ends the first request of this name. */
    end(what: string) {
      const index = held.findIndex((each) => each.what === what);
      held.splice(index, 1)[0]!.go();
    },
    underWay: () => held.length,
  };
}

async function begun(device: BlockDevice, limits = {}) {
  const under = serverUnderTest([{ name: "disk", device }], { limits });
  const hand = under.join({ capacity: 1024 * 1024 });
  await hand.go("disk");
  return { ...under, hand };
}

/** Whether an answer comes before everything that can happen by itself has happened. */
async function isAnswered(answer: Promise<unknown>): Promise<boolean> {
  let answered = false;
  const note = (): void => void (answered = true);
  answer.then(note, note);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  return answered;
}

test("a write is answered when it has landed, and not before", async () => {
  const { device, disk, end } = slowDisk();
  const { hand } = await begun(device);
  await hand.request(WRITE, 1n, { offset: 5, data: patternAt(1, 100) });
  const answer = hand.reply();
  expect(await isAnswered(answer)).toBe(false);
  end("write 5");
  expect((await answer).cookie).toBe(1n);
  const into = new Uint8Array(100);
  await disk.read(5, into);
  expect(into).toEqual(patternAt(1, 100));
});

test("a flush is the device's, begun after the writes that were answered, and answered when it has settled", async () => {
  const { device, log, end } = slowDisk();
  const { hand } = await begun(device);
  await hand.request(WRITE, 1n, { data: patternAt(0, 10) });
  await expect.poll(() => log).toEqual(["write 0"]);
  end("write 0");
  await hand.reply();
  await hand.request(FLUSH, 2n);
  const answer = hand.reply();
  expect(await isAnswered(answer)).toBe(false);
  expect(log).toEqual(["write 0", "wrote 0", "flush"]);
  end("flush");
  expect((await answer).cookie).toBe(2n);
});

test("a flush that fails is said to have failed", async () => {
  const flush = async (): Promise<void> => {
    throw new Error("lost");
  };
  const { hand } = await begun({ ...garbageDisk(), flush });
  await hand.request(FLUSH, 2n);
  expect((await hand.reply()).error).toBe(5);
  await hand.request(WRITE, 3n, { flags: FUA, data: patternAt(0, 10) });
  expect((await hand.reply()).error).toBe(5);
});

test("with FUA the answer waits for a flush that begins after the change", async () => {
  for (const [command, name] of [
    [WRITE, "write 0"],
    [ZEROES, "zero 0"],
  ] as const) {
    const { device, log, end } = slowDisk();
    const { hand } = await begun(device);
    await hand.request(command, 1n, { flags: FUA, length: 10, data: new Uint8Array(command === WRITE ? 10 : 0) });
    const answer = hand.reply();
    await expect.poll(() => log).toEqual([name]);
    end(name);
    expect(await isAnswered(answer)).toBe(false);
    expect(log.at(-1)).toBe("flush");
    end("flush");
    expect((await answer).error).toBe(0);
  }
});

test("a write that is refused is answered when all of it has come: before that nobody listens", async () => {
  const { hand } = await begun({ ...garbageDisk(), readOnly: true });
  await hand.request(WRITE, 1n, { length: 100, data: patternAt(0, 40) });
  const answer = hand.reply();
  expect(await isAnswered(answer)).toBe(false);
  await hand.connection.send([patternAt(40, 60)]);
  expect((await answer).error).toBe(1);
});

test("requests are done side by side and answered as they end", async () => {
  const { device, end, underWay } = slowDisk();
  const { hand } = await begun(device);
  for (const cookie of [1n, 2n, 3n]) await hand.request(READ, cookie, { offset: Number(cookie), length: 9 });
  await expect.poll(underWay).toBe(3);
  for (const [what, cookie] of [
    ["read 2", 2n],
    ["read 3", 3n],
    ["read 1", 1n],
  ] as const) {
    end(what);
    const reply = await hand.reply();
    expect([reply.cookie, reply.data]).toEqual([cookie, patternAt(Number(cookie), 9)]);
  }
});

test("a client has no more requests under way than it may, and the next is begun when one is answered", async () => {
  const { device, end, underWay } = slowDisk();
  const { hand } = await begun(device, { requests: 2 });
  for (const cookie of [1n, 2n, 3n, 4n]) await hand.request(READ, cookie, { offset: Number(cookie), length: 9 });
  await expect.poll(underWay).toBe(2);
  const answer = hand.reply();
  expect(await isAnswered(answer)).toBe(false);
  expect(underWay()).toBe(2);
  end("read 1");
  await answer;
  await expect.poll(underWay).toBe(2);
  end("read 3");
  expect((await hand.reply()).cookie).toBe(3n);
});

test("a client that takes no replies leaves memory to others", async () => {
  const { server, join } = serverUnderTest([{ name: "disk", device: garbageDisk() }], {
    limits: { bufferedBytes: 256 * 1024 },
  });
  const greedy = join();
  await greedy.go("disk");
  for (let cookie = 0n; cookie < 20n; cookie++) void greedy.request(READ, cookie, { length: 65_536 }).catch(() => {});
  const other = join();
  await other.go("disk");
  for (let cookie = 0n; cookie < 20n; cookie++) {
    await other.request(READ, cookie, { offset: 3, length: 16_384 });
    expect((await other.reply()).data).toEqual(patternAt(3, 16_384));
  }
  await server.close("now");
});

/** Takes a piece of memory of 64 KiB; of four of them a client gets two, if nobody else holds any. */
const PAYLOAD = 63 * 1024;

test("a client that goes away in the middle leaves nothing behind", async () => {
  const { device, disk, end, underWay } = slowDisk();
  const limits = { bufferedBytes: 4 * PAYLOAD };
  const { hand, server, events, join } = await begun(device, limits);
  await hand.request(READ, 1n, { offset: 1, length: PAYLOAD });
  await hand.request(WRITE, 2n, { offset: 2, data: patternAt(9, 50_000) });
  await expect.poll(underWay).toBe(2);
  await hand.request(WRITE, 3n, { length: 50_000, data: patternAt(0, 100) }); // and not the rest
  hand.connection.destroy();
  expect(await isAnswered(new Promise(() => {}))).toBe(false);
  expect(server.clients()).toHaveLength(1); // what it asked for is under way
  end("write 2");
  end("read 1");
  await expect.poll(() => server.clients()).toEqual([]);
  expect(events.at(-1)).toMatchObject({ type: "left", exportName: "disk", why: expect.stringContaining("went away") });
  const into = new Uint8Array(50_000);
  await disk.read(2, into);
  expect(into).toEqual(patternAt(9, 50_000));
  const next = join({ capacity: 1024 * 1024 });
  await next.go("disk");
  for (const cookie of [1n, 2n]) await next.request(READ, cookie, { length: PAYLOAD }); // as much as there is for one
  await expect.poll(underWay).toBe(2);
});

test("a long write lands whole, in pieces of memory, whatever the wire does to it", async () => {
  const data = patternAt(1, 3 * 1024 * 1024 + 77);
  const disk = garbageDisk(4 * 1024 * 1024);
  const { join } = serverUnderTest([{ name: "disk", device: disk }]);
  const sizes = [1, 100_000, 28, 5000, 65_536];
  let turn = 0;
  const hand: HandClient = join({ split: () => sizes[turn++ % sizes.length]! });
  await hand.go("disk");
  await hand.request(WRITE, 1n, { offset: 11, data });
  expect((await hand.reply()).error).toBe(0);
  await hand.request(READ, 2n, { offset: 11, length: data.length });
  expect(Buffer.compare((await hand.reply()).data, data)).toBe(0);
});
