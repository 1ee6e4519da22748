import type { Connection } from "@blkmig/transport";
import { expect, it } from "vitest";

import { HandClock, settle } from "./client-hand-clock.test-kit.ts";
import { openOver } from "./client-open.ts";
import { type Answer, dataChunk, join, type Script, ScriptedServer } from "./client-scripted-server.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";

const SIZE = 64 * 1024;
const LIMIT_MS = 30_000;
/** With what a hang-up may be late. */
const LATEST_MS = LIMIT_MS * 1.25;
const SILENT = "the server did not answer within 30 s";
const identity = { run: "boot-1", disk: "migration-1" };
const bytes = (fill: number, length = 512) => [new Uint8Array(length).fill(fill)];

/** Knows how many sleep. */
class WatchedClock extends HandClock {
  sleeping = 0;

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeping += 1;
    await super.sleep(ms, signal);
    this.sleeping -= 1;
  }
}

interface Options {
  readonly answerWithin?: number;
  readonly reconnectFor?: number;
  readonly link?: string;
}

const limited: Options = { answerWithin: LIMIT_MS };

async function opened(script: Partial<Script>, options: Options = limited, clock = new WatchedClock()) {
  const server = new ScriptedServer({ size: SIZE, ...script });
  const events: NbdClientEvent[] = [];
  const device = await openOver({
    url: "nbd://scripted",
    connect: server.connect,
    exportName: "",
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  await settle();
  return { server, device, clock, events };
}

const silence: Answer = async () => undefined;

it.each([0, 500, 2 * LIMIT_MS])(
  "fails what a server leaves unanswered that welcomes whoever comes (reconnects for %i ms)",
  async (reconnectFor) => {
    const { server, device, clock, events } = await opened({ answer: silence }, { ...limited, reconnectFor });
    const start = clock.now();
    const failed = { name: "DeviceError", code: "io", message: expect.stringContaining(SILENT) };
    const asked = [device.read(0, new Uint8Array(512)), device.write(0, bytes(1)), device.flush()];
    const outcomes = await clock.passUntil(Promise.allSettled(asked), 500);
    expect(outcomes).toMatchObject(asked.map(() => ({ status: "rejected", reason: failed })));
    expect(clock.now() - start).toBeGreaterThanOrEqual(LIMIT_MS);
    expect(clock.now() - start).toBeLessThanOrEqual(2 * reconnectFor + 2 * LATEST_MS);
    expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "connect" } });
    await device.close();
    expect([server.peers.size, clock.sleeping]).toEqual([0, 0]);
  },
);

it("says so too where the server then does not even welcome", async () => {
  const { server, device, clock } = await opened({ answer: silence }, { ...limited, reconnectFor: 500 });
  server.script.refuse = () => new Error("nobody there");
  const read = device.read(0, new Uint8Array(512));
  await expect(clock.passUntil(read, 500)).rejects.toMatchObject({
    message: expect.stringMatching(/did not answer within 30 s.*nobody there/),
  });
  await device.close();
});

it("asks again over a new connection when the first answers came and the next ones do not", async () => {
  const { server, device, clock, events } = await opened({});
  await device.read(0, new Uint8Array(512));
  server.script.answer = silence;
  const into = new Uint8Array(512);
  const read = device.read(512, into);
  await clock.pass(LIMIT_MS / 4);
  server.script.answer = async (asked) => server.perform(asked);
  expect(server.connects).toBe(1);
  await clock.passUntil(read, 500);
  expect(into.every((byte) => byte === 0xee)).toBe(true);
  expect(server.connects).toBe(2);
  expect(events[0]).toMatchObject({ type: "reconnect", why: SILENT });
  await device.close();
});

it("sends writes again where it is the only link", async () => {
  const { server, device, clock } = await opened({ identity, answer: silence }, { ...limited, link: "m-1:vda" });
  const requests = Promise.all([device.write(0, bytes(1)), device.write(512, bytes(2)), device.flush()]);
  await settle();
  server.script.answer = async (asked) => server.perform(asked);
  await clock.passUntil(requests, 500);
  expect([server.bytes[0], server.bytes[512], server.connects]).toEqual([1, 2, 2]);
  const asked = server.asked.map(({ command, offset }) => [command, offset]);
  expect(asked.length).toBe(6);
  expect(asked.slice(3)).toEqual(asked.slice(0, 3));
  await device.close();
});

it("does not hang up on an answer that trickles", async () => {
  const clock = new WatchedClock();
  const answer: Answer = async (asked, peer) => {
    const all = join(...dataChunk(asked, new Uint8Array(8).fill(7), 1));
    for (let at = 0; at < all.length; at += 1) {
      await clock.sleep(LIMIT_MS * 0.9);
      await peer.say([all.subarray(at, at + 1)]);
    }
    return undefined;
  };
  const { server, device } = await opened({ answer }, limited, clock);
  const into = new Uint8Array(8);
  await clock.passUntil(device.read(0, into), 1000);
  expect([...into]).toEqual(Array.from({ length: 8 }, () => 7));
  expect(server.connects).toBe(1);
  await device.close();
});

it("has no timer while nothing is under way, and one for all that is", async () => {
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const answer: Answer = async (asked) => held.then(() => server.perform(asked));
  const { server, device, clock } = await opened({ answer });
  await clock.pass(LIMIT_MS * 10);
  expect(clock.sleeping).toBe(0);
  const reads = Array.from({ length: 100 }, async () => device.read(0, new Uint8Array(1)));
  await settle();
  expect([server.asked.length, clock.sleeping]).toEqual([64, 1]);
  letGo();
  await Promise.all(reads);
  await settle();
  expect(clock.sleeping).toBe(0);
  for (let time = 0; time < 10; time++) await clock.pass(LIMIT_MS);
  expect(server.connects).toBe(1);
  await device.close();
});

it("leaves no timer behind a connection that broke before", async () => {
  const { server, device, clock } = await opened({ answer: silence }, { ...limited, reconnectFor: 0 });
  const read = device.read(0, new Uint8Array(1)).catch((error: unknown) => error);
  await settle();
  expect(clock.sleeping).toBe(1);
  server.cut();
  expect(await read).toMatchObject({ code: "io" });
  await settle();
  expect(clock.sleeping).toBe(0);
  await device.close();
});

it("waits no longer for a server that is asked more and more", async () => {
  const { device, clock, events } = await opened({ answer: silence }, { ...limited, reconnectFor: 0 });
  const start = clock.now();
  const reads: Promise<unknown>[] = [];
  while (events.length === 0 && reads.length < 1000) {
    reads.push(device.read(0, new Uint8Array(1)).catch(() => {}));
    await clock.pass(500);
  }
  expect(clock.now() - start).toBeLessThanOrEqual(LATEST_MS);
  await Promise.all(reads);
  await device.close();
});

it("does not hang up because it was stopped itself: the answer may lie there already", async () => {
  const held: (() => void)[] = [];
  const answer: Answer = async (asked) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return server.perform(asked);
  };
  const { server, device, clock } = await opened({ answer });
  const read = device.read(0, new Uint8Array(1));
  await settle();
  await clock.pass(LIMIT_MS * 100); // one step: nobody ran meanwhile, the server neither
  held.pop()!();
  await read;
  expect(server.connects).toBe(1);
  await device.close();
});

it("hangs up where a write was answered that the server never reads to its end", async () => {
  const server = new ScriptedServer({ size: SIZE });
  const clock = new WatchedClock();
  let isHeld = false;
  const connect = async (): Promise<Connection> => {
    const connection = await server.connect();
    let end!: (reason: Error) => void;
    const ended = new Promise<void>((_, reject) => (end = reject));
    ended.catch(() => {});
    const send: Connection["send"] = async (data) => {
      await connection.send(data);
      if (isHeld) await ended;
    };
    const destroy: Connection["destroy"] = (reason) => {
      end(reason ?? new Error("destroyed"));
      connection.destroy(reason);
    };
    return { ...connection, send, destroy };
  };
  const url = "nbd://scripted";
  const device = await openOver({ url, connect, exportName: "", clock, answerWithin: LIMIT_MS });
  isHeld = true;
  const write = device.write(0, bytes(1));
  await settle();
  isHeld = false;
  expect(server.bytes[0]).toBe(1);
  await clock.passUntil(write, 500);
  await clock.passUntil(device.read(0, new Uint8Array(1)), 500);
  expect(server.connects).toBe(2);
  await device.close();
});

it("does not let a silent server hold up close() longer than one that is away", async () => {
  const options = { link: "m-1:vda", reconnectFor: Infinity, answerWithin: 1000 };
  const { server, device, clock } = await opened({ identity, answer: silence }, options);
  const closing = Promise.allSettled([device.write(0, bytes(1)), device.close()]);
  const start = clock.now();
  const [written] = await clock.passUntil(closing);
  expect(clock.now() - start).toBeLessThan(15_000);
  expect(written).toMatchObject({ reason: { message: expect.stringContaining("did not answer within 1 s") } });
  expect(server.peers.size).toBe(0);
});

it("waits for ever where nobody said how long", async () => {
  const { server, device, clock, events } = await opened({ answer: silence }, {});
  const read = device.read(0, new Uint8Array(1));
  for (let time = 0; time < 10; time++) await clock.pass(LIMIT_MS);
  expect([events, clock.sleeping]).toEqual([[], 0]);
  server.cut();
  server.script.answer = async (asked) => server.perform(asked);
  await clock.passUntil(read);
  await device.close();
});
