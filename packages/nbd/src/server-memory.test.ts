import fc from "fast-check";
import { expect, test } from "vitest";

import { createPayloadMemory, type Lease } from "./server-memory.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const lengths = ({ pieces }: Lease) => pieces.map((piece) => piece.length);

test("a payload takes the smallest piece that holds it, and a long one many", () => {
  const memory = createPayloadMemory(64 * MiB);
  const share = memory.share();
  const cases: readonly (readonly [number, readonly number[], number])[] = [
    [1, [1], 4 * KiB],
    [4 * KiB + 1, [4 * KiB + 1], 16 * KiB],
    [MiB, [MiB], MiB],
    [2 * MiB + 5, [MiB, MiB, 5], 2 * MiB + 4 * KiB],
  ];
  for (const [bytes, pieces, used] of cases) {
    const lease = share.tryTake(bytes)!;
    expect([lengths(lease), memory.usedBytes]).toEqual([pieces, used]);
    lease.give();
  }
  expect(memory.usedBytes).toBe(0);
});

test("what comes back is used again, and cannot be given twice", () => {
  const share = createPayloadMemory(MiB).share();
  const first = share.tryTake(100)!;
  const [piece] = first.pieces;
  first.give();
  expect(() => first.give()).toThrow("given back before");
  expect(share.tryTake(50)!.pieces[0]!.buffer).toBe(piece!.buffer);
});

test("nobody gets more than is free then, and who waits is served when something comes back", async () => {
  const memory = createPayloadMemory(MiB);
  const [greedy, modest, leaving] = [memory.share(), memory.share(), memory.share()];
  const held: Lease[] = [];
  for (let lease = greedy.tryTake(64 * KiB); lease; lease = greedy.tryTake(64 * KiB)) held.push(lease);
  expect(memory.usedBytes).toBe(512 * KiB);
  expect(lengths(modest.tryTake(256 * KiB)!)).toEqual([256 * KiB]);
  const waiting = modest.take(256 * KiB);
  const left = leaving.take(MiB);
  leaving.leave();
  expect(await left).toBeUndefined();
  expect(await leaving.take(1)).toBeUndefined();
  for (const lease of held) lease.give();
  expect(lengths((await waiting)!)).toEqual([256 * KiB]);
});

test("whoever has it all, each client has a little of its own", () => {
  const memory = createPayloadMemory(128 * MiB);
  for (let count = 0; count < 4; count++) memory.share().tryTake(32 * MiB);
  expect(memory.usedBytes).toBe(128 * MiB);
  const modest = memory.share();
  expect(modest.tryTake(512 * KiB)).toBeUndefined();
  const small = [modest.tryTake(64 * KiB), modest.tryTake(4 * KiB), modest.tryTake(4 * KiB)];
  expect(small.every((lease) => lease !== undefined)).toBe(true);
  expect(modest.tryTake(256 * KiB)).toBeUndefined();
  for (const lease of small) lease!.give();
  expect(modest.tryTake(256 * KiB)).toBeDefined();
});

test("one payload that is larger than all memory is taken while nothing else is out", () => {
  const memory = createPayloadMemory(8 * KiB);
  const share = memory.share();
  const lease = share.tryTake(100 * KiB)!;
  expect(share.tryTake(1)).toBeUndefined();
  lease.give();
  expect(share.tryTake(1)).toBeDefined();
});

test("whatever is taken and given back: pieces fit, never is too much out, and nothing is lost", () => {
  const step = fc.record({ who: fc.nat(3), bytes: fc.integer({ min: 1, max: 3 * MiB }), gives: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = createPayloadMemory(4 * MiB);
      const shares = Array.from({ length: 4 }, () => memory.share());
      const out: Lease[] = [];
      for (const { who, bytes, gives } of steps) {
        const lease = gives ? undefined : shares[who]!.tryTake(bytes);
        if (gives) out.shift()?.give();
        if (!lease) continue;
        out.push(lease);
        expect(lengths(lease).reduce((sum, length) => sum + length, 0)).toBe(bytes);
        expect(memory.usedBytes).toBeLessThanOrEqual(4 * MiB + 4 * 8 * KiB); // and what is each one's own
      }
      const buffers = out.flatMap(({ pieces }) => pieces.map((piece) => piece.buffer));
      expect(new Set(buffers).size).toBe(buffers.length);
      for (const lease of out) lease.give();
      expect(memory.usedBytes).toBe(0);
    }),
  );
});
