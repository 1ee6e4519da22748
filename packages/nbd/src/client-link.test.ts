import { createRandom } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { HandClock, settle } from "./client-hand-clock.test-kit.ts";
import { openOver } from "./client-open.ts";
import { type Answer, type Peer, type Script, ScriptedServer } from "./client-scripted-server.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";

const SIZE = 64 * 1024;
const FLUSH = 3;
const identity = { run: "boot-1", disk: "migration-1" };
const bytes = (fill: number, length = 512) => [new Uint8Array(length).fill(fill)];

async function linked(script: Partial<Script>) {
  const server = new ScriptedServer({ size: SIZE, identity, ...script });
  const clock = new HandClock();
  const events: NbdClientEvent[] = [];
  const device = await openOver({
    url: "nbd://scripted",
    connect: server.connect,
    exportName: "",
    link: "m-1:vda",
    reconnectFor: Infinity,
    clock,
    onEvent: (event) => events.push(event),
  });
  return { server, device, clock, events };
}

it("knows who the server is, whatever stands in its name", async () => {
  const strange = { run: "a:b%/ü", disk: "m:1" };
  const { device } = await linked({ identity: strange });
  expect(device.identity).toEqual(strange);
  await device.close();
});

it("sends everything again, in its order, when it is the only link again", async () => {
  let isSilent = true;
  const answer: Answer = async (asked) => (isSilent ? undefined : server.perform(asked));
  const { server, device, clock } = await linked({ answer });
  const requests = [
    device.write(0, bytes(1)),
    device.zero(512, 512),
    device.flush(),
    device.read(0, new Uint8Array(1)),
  ];
  // The last ones are not even sent before the cut.
  for (let i = 0; i < 70; i++) requests.push(device.write(2048 + i, bytes(i, 1)));
  await settle();
  isSilent = false;
  server.cut();
  await settle();
  requests.push(device.write(1024, bytes(3)));
  await clock.passUntil(Promise.all(requests));
  const asked = server.asked.map(({ command, offset }) => [command, offset]);
  expect(asked.length).toBe(64 + 75);
  expect(asked.slice(64, 128)).toEqual(asked.slice(0, 64));
  expect(asked.slice(128).map(([, offset]) => offset)).toEqual([
    ...Array.from({ length: 10 }, (_, i) => 2108 + i),
    1024,
  ]);
  expect([server.bytes[0], server.bytes[512], server.bytes[1024]]).toEqual([1, 0, 3]);
  await device.close();
});

it("does not take another disk for its own", async () => {
  const { server, device, clock, events } = await linked({});
  server.script.identity = { ...identity, disk: "migration-2" };
  server.cut();
  await settle();
  await expect(clock.passUntil(device.write(0, bytes(1)))).rejects.toMatchObject({ cause: { code: "changed" } });
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "changed" } });
  expect(server.bytes[0]).toBe(0xee);
  await device.close();
});

it("fails for good when the server's host restarted over what was not flushed", async () => {
  const { server, device, clock, events } = await linked({});
  await device.write(0, bytes(1));
  server.script.identity = { ...identity, run: "boot-2" };
  server.cut();
  await settle();
  for (const ask of [() => device.read(0, new Uint8Array(1)), () => device.flush(), () => device.write(0, bytes(2))]) {
    await expect(clock.passUntil(ask())).rejects.toMatchObject({ code: "io", cause: { code: "lost" } });
  }
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "lost" } });
  await device.close();
});

it("goes on when the host restarted and all had been flushed, and remembers the new run", async () => {
  const { server, device, clock } = await linked({});
  await device.write(0, bytes(1));
  await device.flush();
  server.script.identity = { ...identity, run: "boot-2" };
  server.cut();
  await settle();
  await clock.passUntil(device.write(0, bytes(2)));
  expect(device.identity).toEqual({ ...identity, run: "boot-2" });
  server.cut();
  await clock.passUntil(device.flush()); // the same run: it still knows of the write
  server.script.identity = { ...identity, run: "boot-3" };
  server.cut();
  await clock.passUntil(device.read(0, new Uint8Array(1)));
  await device.close();
});

it("goes on when only the program was started again: the host has the writes", async () => {
  const { server, device, clock } = await linked({});
  await device.write(0, bytes(1));
  server.cut();
  await settle();
  await clock.passUntil(device.flush());
  expect([server.connects, server.bytes[0]]).toEqual([2, 1]);
  await device.close();
});

it("believes that a flush covers what was acknowledged before it was sent, and no more", async () => {
  const held: (() => void)[] = [];
  const answer: Answer = async (asked) => {
    if (asked.command === FLUSH) await new Promise<void>((resolve) => held.push(resolve));
    return server.perform(asked);
  };
  const { server, device, clock } = await linked({ answer });
  const flush = device.flush();
  await device.write(0, bytes(1)); // acknowledged while the flush is under way
  held.pop()!();
  await flush;
  server.script.identity = { ...identity, run: "boot-2" };
  server.cut();
  await settle();
  await expect(clock.passUntil(device.read(0, new Uint8Array(1)))).rejects.toMatchObject({ cause: { code: "lost" } });
  await device.close();
});

it.each(Array.from({ length: 60 }, (_, seed) => seed))(
  "loses no acknowledged write and lands no older one over a newer, however it is cut (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const SLOTS = 64;
    const landings = new Map<Peer, Set<Promise<void>>>();
    /** Lands late, and answers later still: a cut in between leaves writes that land behind the new connection's back. */
    const answer: Answer = async (asked, peer) => {
      const landing = (async () => {
        for (let wait = random.int(40); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
        return server.perform(asked);
      })();
      const own = landings.get(peer) ?? new Set();
      landings.set(peer, own);
      const settled = landing.then(() => void own.delete(settled));
      own.add(settled);
      const answered = await landing;
      for (let wait = random.int(20); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
      return answered;
    };
    const fence = async (newest: Peer, { peers }: ScriptedServer): Promise<void> => {
      for (const peer of peers) if (peer !== newest) peer.cut();
      for (const [peer, own] of landings) if (peer !== newest) await Promise.all(own);
    };
    const { server, device, clock } = await linked({ answer, fence });
    let isDone = false;
    const writers = Array.from({ length: SLOTS }, async (_, slot) => {
      for (let version = 1; version <= 9; version++) await device.write(slot * 512, bytes(version));
    });
    const all = Promise.all(writers).then(() => (isDone = true));
    while (!isDone) {
      if (random.int(40) === 0) server.cut();
      await new Promise((resolve) => setImmediate(resolve));
      clock.tick(10);
    }
    await all;
    await settle();
    for (let slot = 0; slot < SLOTS; slot++) {
      expect(server.bytes.subarray(slot * 512, slot * 512 + 512).every((byte) => byte === 9)).toBe(true);
    }
    expect(server.connects).toBeGreaterThan(1);
    await device.close();
  },
);
