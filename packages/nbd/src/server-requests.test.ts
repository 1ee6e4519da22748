import fc from "fast-check";
import { expect, test } from "vitest";

import { encodeRequest, patternAt } from "./nbd-server.test-kit.ts";
import { createRequestDecoder, type NbdRequest } from "./server-requests.ts";

interface Taken {
  readonly command: number;
  readonly cookie: number;
  readonly offset: number;
  readonly payload: readonly number[] | undefined;
}

/** A dialogue with everything in it: neighbours without payload, writes that land, one that is passed over. */
const DIALOGUE = [
  { command: 0, offset: 2 ** 40 + 5, length: 512, payload: 0 },
  { command: 1, offset: 4096, length: 300, payload: 300 },
  { command: 1, offset: 0, length: 7, payload: 7 },
  { command: 3, offset: 0, length: 0, payload: 0 },
  { command: 1, offset: 1, length: 50, payload: 50 }, // is passed over
  { command: 7, offset: 0, length: 2 ** 32 - 1, payload: 0 },
  { command: 2, offset: 0, length: 0, payload: 0 },
];
const PASSED = 4;

const STREAM = Buffer.concat(
  DIALOGUE.flatMap(({ command, offset, length, payload }, index) => [
    encodeRequest(command, BigInt(index), { offset, length }),
    patternAt(offset, payload),
  ]),
);

/** Decodes the stream in reads of at most the given sizes, by turns. */
function decode(stream: Uint8Array, sizes: readonly number[]): Taken[] {
  const decoder = createRequestDecoder("peer");
  const taken: Taken[] = [];
  let landing: { readonly request: NbdRequest; readonly pieces: readonly Uint8Array[] | undefined } | undefined;
  const take = (request: NbdRequest, payload: readonly number[] | undefined) =>
    taken.push({ command: request.command, cookie: request.cookieLow, offset: request.offset, payload });
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const piece = stream.subarray(at, at + sizes[turn % sizes.length]!);
    const into = decoder.want();
    const count = Math.min(piece.length, into.length);
    into.set(piece.subarray(0, count));
    at += count;
    decoder.accept(count);
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      if (frame.type === "payload") {
        take(landing!.request, landing!.pieces && Array.from(Buffer.concat(landing!.pieces)));
        continue;
      }
      const { request } = frame;
      if (!decoder.isLanding) take(request, undefined);
      else if (request.cookieLow === PASSED) {
        decoder.pass();
        landing = { request, pieces: undefined };
      } else {
        const memory = new Uint8Array(request.length);
        const pieces = [memory.subarray(0, 3), memory.subarray(3, 5), memory.subarray(5)];
        decoder.land(pieces);
        landing = { request, pieces };
      }
    }
  }
  expect(decoder.isBetween).toBe(true);
  return taken;
}

const EXPECTED: readonly Taken[] = DIALOGUE.map(({ command, offset, payload }, cookie) => ({
  command,
  cookie,
  offset,
  payload: payload > 0 && cookie !== PASSED ? [...patternAt(offset, payload)] : undefined,
}));

test("a dialogue is the same however the wire splits it", () => {
  for (let first = 1; first < STREAM.length; first++) expect(decode(STREAM, [first, STREAM.length])).toEqual(EXPECTED);
  for (const size of [1, 2, 3, 27, 28, 29, 64, 100_000]) expect(decode(STREAM, [size])).toEqual(EXPECTED);
});

test("a dialogue is the same by any pattern of reads", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }), (sizes) => {
      expect(decode(STREAM, sizes)).toEqual(EXPECTED);
    }),
  );
});

test("random bytes end in an error and never hang", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 28, maxLength: 200 }), fc.boolean(), (noise, framed) => {
      const stream = framed ? Buffer.concat([encodeRequest(3, 0n, {}), noise]) : noise;
      expect(() => decode(stream, [64])).toThrow(/must begin/u);
    }),
  );
});

test("a write that is not landed lets nothing be read, and memory of another length is refused", () => {
  const decoder = createRequestDecoder("peer");
  decoder.want().set(encodeRequest(1, 0n, { length: 10 }));
  decoder.accept(28);
  expect(decoder.next()).toMatchObject({ type: "request" });
  expect(() => decoder.want()).toThrow("land()");
  expect(() => decoder.land([new Uint8Array(9)])).toThrow(RangeError);
  decoder.land([new Uint8Array(10)]);
  expect(() => decoder.pass()).toThrow("once");
  expect(decoder.want().length).toBe(10);
  expect(() => decoder.accept(11)).toThrow(RangeError);
});
