import { createRandom } from "@blkmig/testkit";
import type { Connection } from "@blkmig/transport";
import { expect, it } from "vitest";

import { HandClock, settle } from "./client-hand-clock.test-kit.ts";
import { openOver } from "./client-open.ts";
import { type Answer, type Script, ScriptedServer } from "./client-scripted-server.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";

const SIZE = 64 * 1024;
const [READ, WRITE, FLUSH] = [0, 1, 3];

async function opened(script: Partial<Script>, options: { link?: string; reconnectFor?: number } = {}) {
  const server = new ScriptedServer({ size: SIZE, ...script });
  const clock = new HandClock();
  const events: NbdClientEvent[] = [];
  const device = await openOver({
    url: "nbd://scripted",
    connect: server.connect,
    exportName: "",
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { server, device, clock, events };
}

/** Answers nothing of one command until told; `server.asked` still sees it. */
function silentTo(command: number, server: () => ScriptedServer): { answer: Answer; isSilent: boolean } {
  const silence: { answer: Answer; isSilent: boolean } = {
    isSilent: true,
    answer: async (asked) => (silence.isSilent && asked.command === command ? undefined : server().perform(asked)),
  };
  return silence;
}

/** From now on, so that nobody takes it for unhandled meanwhile. */
async function assertRejected(request: Promise<void>, error: object): Promise<void> {
  await expect(request).rejects.toMatchObject(error);
}

const sent = (server: ScriptedServer, command: number) => server.asked.filter((asked) => asked.command === command);
const bytes = (fill: number, length = 512) => [new Uint8Array(length).fill(fill)];
const identity = { run: "boot-1", disk: "migration-1" };

it("close() gives up a server that answers nothing for half a minute, and not one that is slow", async () => {
  const silence = silentTo(FLUSH, () => server);
  const { server, device, clock, events } = await opened({ answer: silence.answer });
  const flushed = device.flush();
  void assertRejected(flushed, { code: "io", message: expect.stringMatching(/answered nothing for 30 s/) });
  const closed = device.close();
  await clock.pass(29_000);
  expect(events).toEqual([]);
  await clock.passUntil(closed);
  await expect(flushed).rejects.toMatchObject({ code: "io" });
  expect(events).toMatchObject([{ type: "failed", error: { code: "connect" } }]);
});

it("sends reads again on a new connection, and tells of it", async () => {
  const silence = silentTo(READ, () => server);
  const { server, device, clock, events } = await opened({ answer: silence.answer });
  const into = new Uint8Array(512);
  const read = device.read(512, into);
  await settle();
  silence.isSilent = false;
  server.cut();
  await clock.passUntil(read);
  expect(into.every((byte) => byte === 0xee)).toBe(true);
  expect(sent(server, READ).length).toBe(2);
  expect(events).toMatchObject([
    { type: "reconnect", waitMs: expect.any(Number) },
    { type: "reconnect", waitMs: undefined },
  ]);
  await device.close();
});

it("holds what is asked while there is no connection", async () => {
  const { server, device, clock } = await opened({});
  server.cut();
  await settle();
  const requests = Promise.all([device.write(0, bytes(1)), device.zero(512, 512), device.flush()]);
  await clock.passUntil(requests);
  expect([server.bytes[0], server.bytes[512], server.connects]).toEqual([1, 0, 2]);
  await device.close();
});

it("never sends a write again that may have landed, where nobody fences it", async () => {
  const silence = silentTo(WRITE, () => server);
  const { server, device, clock } = await opened({ answer: silence.answer });
  const write = device.write(0, bytes(1));
  const refused = assertRejected(write, {
    code: "io",
    message: expect.stringContaining("may still land"),
  });
  await settle();
  server.cut();
  await refused;
  await clock.pass(1000);
  await clock.passUntil(device.read(0, new Uint8Array(512)));
  expect(sent(server, WRITE).length).toBe(1);
  await clock.passUntil(device.flush()); // nothing was acknowledged, so nothing can be lost
  await device.close();
});

it.each(["write", "zero"] as const)(
  "believes no flush after an acknowledged, unflushed %s may be lost",
  async (what) => {
    const { server, device, clock } = await opened({ flags: 0b1001101 });
    await (what === "write" ? device.write(0, bytes(1)) : device.zero(0, 512));
    server.cut();
    await clock.pass(1000);
    for (let time = 0; time < 2; time++) {
      await expect(device.flush()).rejects.toMatchObject({
        code: "io",
        message: expect.stringContaining("may be lost"),
      });
    }
    await device.write(0, bytes(2));
    await expect(device.flush()).rejects.toMatchObject({ code: "io" });
    expect(sent(server, FLUSH)).toEqual([]);
    await device.read(0, new Uint8Array(512));
    await device.close();
  },
);

it("rejects a flush under way when what it was to cover may be lost, and one that is held", async () => {
  const silence = silentTo(FLUSH, () => server);
  const { server, device, clock } = await opened({ answer: silence.answer });
  await device.write(0, bytes(1));
  const refused = assertRejected(device.flush(), { message: expect.stringContaining("may be lost") });
  await settle();
  server.cut();
  await refused;
  await clock.pass(1000);
  await device.close();
});

it("goes on flushing where all that was acknowledged had been flushed", async () => {
  const { server, device, clock } = await opened({});
  await device.write(0, bytes(1));
  await device.flush();
  server.cut();
  await clock.pass(1000);
  await device.flush();
  await device.write(0, bytes(2));
  await device.flush();
  expect(sent(server, FLUSH).length).toBe(3);
  await device.close();
});

it.each<[string, (script: Script) => void]>([
  ["another size", (script) => (script.size = SIZE / 2)],
  ["other flags", (script) => (script.flags = 0b1)],
  ["no holes any more", (script) => (script.contexts = {})],
])("takes a server with %s for another disk, for good", async (_, change) => {
  const { server, device, clock, events } = await opened({ contexts: { "base:allocation": 1 } });
  server.cut();
  change(server.script);
  await settle();
  await expect(clock.passUntil(device.read(0, new Uint8Array(512)))).rejects.toMatchObject({
    cause: { code: "changed" },
  });
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { name: "NbdError", code: "changed" } });
  await expect(device.write(0, bytes(1))).rejects.toMatchObject({ code: "io", cause: { code: "changed" } });
  await device.close();
});

it("waits longer from time to time, and gives up after the time it was given", async () => {
  const { server, device, clock, events } = await opened({}, { reconnectFor: 60_000 });
  server.script.refuse = () => new Error("nobody there");
  server.cut();
  await settle();
  const start = clock.now();
  await expect(clock.passUntil(device.read(0, new Uint8Array(1)))).rejects.toMatchObject({
    cause: { code: "connect" },
  });
  expect(clock.now() - start).toBeGreaterThanOrEqual(60_000);
  expect(clock.now() - start).toBeLessThan(61_000);
  const waits = events.flatMap((event) => (event.type === "reconnect" ? [event.waitMs ?? 0] : []));
  expect(waits[0]).toBeLessThanOrEqual(100);
  expect(Math.max(...waits)).toBeGreaterThan(2500);
  expect(Math.max(...waits)).toBeLessThanOrEqual(5000);
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "connect" } });
  await device.close();
});

it("gives up on a server that is there and hangs up on whatever it is asked", async () => {
  const answer: Answer = async (_, peer) => {
    peer.cut();
    return undefined;
  };
  const { device, clock } = await opened({ answer }, { reconnectFor: 10_000 });
  await expect(clock.passUntil(device.read(0, new Uint8Array(1)))).rejects.toMatchObject({
    cause: { code: "connect" },
  });
  await device.close();
});

it("does not hold against a server that it broke off again and again while nothing was asked", async () => {
  const { server, device, clock, events } = await opened({}, { reconnectFor: 3000 });
  for (let time = 0; time < 10; time++) {
    server.cut();
    await clock.pass(1000);
  }
  await clock.passUntil(device.read(0, new Uint8Array(1)));
  expect(events.filter(({ type }) => type === "failed")).toEqual([]);
  await device.close();
});

it("flushes over the oldest connection: what a newer one has found may be another run of the server", async () => {
  const { server, device, clock } = await opened({ flags: 0b1_0000_1101 });
  await clock.pass(1);
  expect(server.peers.size).toBe(4);
  const [oldest] = server.peers;
  const flushedBy: unknown[] = [];
  let letGo = (): void => {};
  server.script.answer = async (asked, peer) => {
    if (asked.command === FLUSH) flushedBy.push(peer);
    if (asked.command === READ) await new Promise<void>((resolve) => (letGo = resolve));
    return server.perform(asked);
  };
  const read = device.read(0, new Uint8Array(1)); // keeps the oldest busy
  await Promise.all(Array.from({ length: 8 }, async (_, i) => device.write(i * 512, bytes(1))));
  await device.flush();
  await device.flush();
  expect(flushedBy.map((peer) => peer === oldest)).toEqual([true, true]);
  letGo();
  await read;
  oldest!.cut();
  await clock.pass(1000);
  await device.flush();
  expect(flushedBy.length).toBe(3);
  await device.close();
  expect(server.goodbyes).toBe(4);
});

it.each(Array.from({ length: 40 }, (_, seed) => seed))(
  "calls nothing flushed that a crash has taken, whenever the server crashes (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const answer: Answer = async (asked) => {
      for (let wait = random.int(30); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
      const run = runs;
      const answered = server.perform(asked);
      if (asked.command === FLUSH) durable = server.bytes.slice();
      for (let wait = random.int(10); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
      return run === runs ? answered : undefined;
    };
    const { server, device, clock } = await opened({ flags: random.int(2) === 0 ? 0b1101 : 0b1_0000_1101, answer });
    let runs = 0;
    let durable = server.bytes.slice();
    const crash = (): void => {
      runs += 1;
      server.cut();
      server.bytes.set(durable);
    };
    const acknowledged = new Map<number, number>();
    const flushed = new Map<number, number>();
    const writers = Array.from({ length: 16 }, async (_, slot) => {
      for (let version = 1; version <= 20; version++) {
        // A write that was rejected may still land: then nobody knows any more.
        const outcome = await device.write(slot * 512, bytes(version)).catch(() => "rejected");
        if (outcome === "rejected") return;
        acknowledged.set(slot, version);
      }
    });
    const flusher = (async () => {
      for (let time = 0; time < 12; time++) {
        const before = [...acknowledged];
        const outcome = await device.flush().catch(() => "rejected");
        if (outcome !== "rejected") for (const [slot, version] of before) flushed.set(slot, version);
      }
    })();
    let isDone = false;
    const all = Promise.all([...writers, flusher]).then(() => (isDone = true));
    while (!isDone) {
      if (random.int(150) === 0) crash();
      await new Promise((resolve) => setImmediate(resolve));
      clock.tick(10);
    }
    await all;
    crash();
    for (const [slot, version] of flushed) expect(server.bytes[slot * 512]).toBeGreaterThanOrEqual(version);
    await clock.passUntil(device.close());
  },
);

it("is not held for ever by a server that is away when it is closed", async () => {
  const { server, device, clock } = await opened({ identity }, { link: "m:vda", reconnectFor: Infinity });
  server.script.refuse = () => new Error("nobody there");
  server.cut();
  await clock.pass(100_000);
  const write = assertRejected(device.write(0, bytes(1)), { cause: { code: "connect" } });
  await clock.pass(100_000);
  await clock.passUntil(device.close());
  await write;
});

it("settles a write only when its bytes have left, though the answer came before", async () => {
  const server = new ScriptedServer({ size: SIZE });
  let leave!: () => void;
  const left = new Promise<void>((resolve) => (leave = resolve));
  let isHeld = false;
  const connect = async (): Promise<Connection> => {
    const connection = await server.connect();
    const send: Connection["send"] = async (data) => {
      await connection.send(data);
      if (isHeld) await left;
    };
    return { ...connection, send };
  };
  const device = await openOver({ url: "nbd://scripted", connect, exportName: "" });
  isHeld = true;
  let isSettled = false;
  const write = device.write(0, bytes(1)).then(() => (isSettled = true));
  await settle();
  expect([server.bytes[0], isSettled]).toEqual([1, false]);
  leave();
  await write;
  await device.close();
});
