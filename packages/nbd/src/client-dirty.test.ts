import fc from "fast-check";
import { expect, it } from "vitest";

import { dirtyOf } from "./client-dirty.ts";
import { HandClock } from "./client-hand-clock.test-kit.ts";
import { openOver } from "./client-open.ts";
import { type Answer, chunk, type Script, ScriptedServer, statusChunk } from "./client-scripted-server.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";

const CONTEXT = "qemu:dirty-bitmap:b.1";
const GiB = 2 ** 30;

/** The scripted disk is memory; what only describes itself may say that it is larger. */
async function opened(script: Partial<Script>, size = 64 * 1024) {
  const server = new ScriptedServer({ size: 0, contexts: { [CONTEXT]: 7 }, ...script });
  server.script.size = size;
  const clock = new HandClock();
  const events: NbdClientEvent[] = [];
  const onEvent = (event: NbdClientEvent) => void events.push(event);
  const wishes = { url: "nbd://scripted", connect: server.connect, exportName: "", clock, onEvent };
  const device = await openOver({ ...wishes, dirtyBitmap: "b.1" });
  return { server, device, clock, events, wishes };
}

/** One answer to each request, by where it begins. */
const saying =
  (runs: Record<number, readonly (readonly [number, number])[]>): Answer =>
  async (asked) =>
    statusChunk(asked, 7, runs[asked.offset] ?? [], 1);

const asks = (server: ScriptedServer) => server.asked.map(({ offset, length }) => [offset, length]);

it("says of each byte what the bitmap says of it, as far as the description reaches", () => {
  const runs = fc.array(fc.record({ length: fc.integer({ min: 1, max: 9 }), flags: fc.nat(3) }), { maxLength: 8 });
  fc.assert(
    fc.property(runs, fc.nat(20), fc.nat(10), fc.nat(60), (described, offset, skip, length) => {
      const [from, to] = [offset + skip, offset + skip + length];
      const bytes = described.flatMap((run) => Array.from({ length: run.length }, () => run.flags % 2 === 1));
      let at = from;
      for (const extent of dirtyOf(described, offset, from, to)) {
        expect(extent.offset).toBe(at);
        expect(extent.length).toBeGreaterThan(0);
        for (; at < extent.offset + extent.length; at++) expect(extent.dirty).toBe(bytes[at - offset]);
      }
      expect(at).toBe(Math.max(from, Math.min(to, offset + bytes.length)));
    }),
    { numRuns: 2000 },
  );
});

it("asks on where an answer ends, clips what is longer, and joins neighbours of two answers", async () => {
  const answer = saying({
    512: [
      [512, 0],
      [512, 1],
    ],
    1536: [
      [1024, 3],
      [512, 0],
      [512, 2],
      [4096, 1],
    ],
  });
  const { device, server } = await opened({ answer });
  expect(await collect(device.dirty(512, 4096))).toEqual([
    { offset: 512, length: 512, dirty: false },
    { offset: 1024, length: 1536, dirty: true },
    { offset: 2560, length: 1024, dirty: false },
    { offset: 3584, length: 1024, dirty: true },
  ]);
  expect(asks(server)).toEqual([
    [512, 4096],
    [1536, 3072],
  ]);
  await device.close();
});

it("asks for a large disk in steps, and calls a clean one a single extent", async () => {
  const answer: Answer = async (asked) => statusChunk(asked, 7, [[asked.length, 0]], 1);
  const { device, server } = await opened({ answer }, 5 * GiB + 512);
  expect(await collect(device.dirty(0, device.size))).toEqual([{ offset: 0, length: 5 * GiB + 512, dirty: false }]);
  expect(asks(server).map(([, length]) => length)).toEqual([GiB, GiB, GiB, GiB, GiB, 512]);
  await device.close();
});

it("asks for no holes beside the bitmap, and knows none", async () => {
  const contexts = { "base:allocation": 5, [CONTEXT]: 7 };
  const { device, server } = await opened({ contexts, answer: saying({ 0: [[1024, 1]] }) });
  expect(device.features.allocation).toBe(false);
  expect(await collect(device.extents(0, 1024))).toEqual([{ offset: 0, length: 1024, zero: false, allocated: true }]);
  expect(await collect(device.dirty(0, 1024))).toEqual([{ offset: 0, length: 1024, dirty: true }]);
  expect(asks(server)).toEqual([[0, 1024]]);
  await device.close();
});

it.each<[string, Partial<Script>]>([
  ["agrees to no context", { contexts: {} }],
  ["shows another bitmap", { contexts: { "qemu:dirty-bitmap:b": 7 } }],
  ["answers in simple replies", { structured: false }],
])("refuses a server that %s, and hangs up on it", async (_, script) => {
  const server = new ScriptedServer({ size: 4096, ...script });
  const opening = openOver({ url: "nbd://scripted", connect: server.connect, exportName: "", dirtyBitmap: "b.1" });
  await expect(opening).rejects.toMatchObject({
    name: "NbdError",
    code: "option",
    message: "nbd://scripted: the server does not show a dirty bitmap 'b.1' of this export",
  });
  while (server.peers.size > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(server.connects).toBe(1);
});

it.each<[string, Answer]>([
  ["says nothing of the bitmap", async (asked) => chunk(asked, 0, 1)],
  ["describes it twice", async (a) => [...statusChunk(a, 7, [[4096, 0]], 0), ...statusChunk(a, 7, [[4096, 1]], 1)]],
  ["describes another", async (asked) => statusChunk(asked, 8, [[4096, 0]], 1)],
])("takes an answer that %s for no NBD, never for a clean disk", async (_, answer) => {
  const { device } = await opened({ answer });
  await expect(collect(device.dirty(0, 4096))).rejects.toMatchObject({ cause: { code: "protocol" } });
  await device.close();
});

it("without the option there is nothing to tell, and an extent outside of the disk is refused", async () => {
  const { device, wishes } = await opened({});
  const plain = await openOver(wishes);
  await expect(collect(plain.dirty(0, 512))).rejects.toMatchObject({ name: "DeviceError", code: "not-supported" });
  await expect(collect(device.dirty(0, device.size + 1))).rejects.toThrow(RangeError);
  await plain.close();
  await device.close();
  await expect(collect(device.dirty(0, 512))).rejects.toMatchObject({ code: "closed" });
});

it("asks again after a reconnect, and gives up a server that has forgotten the bitmap", async () => {
  const { device, server, clock, events } = await opened({ answer: saying({ 0: [[512, 1]] }) });
  server.cut();
  const first = collect(device.dirty(0, 512));
  await clock.passUntil(first);
  expect(await first).toEqual([{ offset: 0, length: 512, dirty: true }]);
  server.script.contexts = { "base:allocation": 1 };
  server.cut();
  const second = collect(device.dirty(0, 512));
  second.catch(() => {});
  await clock.passUntil(second.catch(() => {}));
  await expect(second).rejects.toMatchObject({ code: "io", cause: { name: "NbdError", code: "changed" } });
  expect(events.at(-1)).toMatchObject({
    type: "failed",
    error: { message: expect.stringContaining("no longer shows the dirty bitmap") },
  });
  await device.close();
});

async function collect<T>(extents: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const extent of extents) collected.push(extent);
  return collected;
}
