import {
  BLOCK_SIZE,
  type ClassicFrame,
  createClassicDecoder,
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeProgress,
  encodeZeroBlocks,
  type Segments,
} from "@blkmig/protocol";
import { naiveDecode, naiveEncode, type NaiveItem } from "@blkmig/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { dataOf, feed, sameBytes, withoutData, withoutPayloads } from "../test/feed.ts";

const utf8 = new TextEncoder();
const device = fc
  .string({ unit: "binary", minLength: 1, maxLength: 80 })
  .filter((name) => name.isWellFormed() && utf8.encode(name).length <= 255);
const offset = fc
  .oneof(fc.nat(4096), fc.nat(2 ** 33 - 2), fc.constantFrom(2047, 4095, 4096, 2 ** 33 - 2))
  .map((block) => block * BLOCK_SIZE);
const data = fc.nat(255).map((first) => Uint8Array.from({ length: BLOCK_SIZE }, (_, i) => first + i * 31 + (i >>> 8)));

const light = fc.oneof(
  fc.record({ type: fc.constant("zero" as const), device, offset }),
  fc.record({ type: fc.constant("progress" as const), percent: fc.nat(100) }),
  fc.record({ type: fc.constant("eos" as const) }),
);
const block = fc.record({ type: fc.constant("block" as const), device, offset, data });
const items: fc.Arbitrary<NaiveItem[]> = fc
  .tuple(fc.array(light, { maxLength: 40 }), fc.option(block), fc.array(light, { maxLength: 5 }), fc.option(block))
  .map(([before, one, between, two]) => [before, one ?? [], between, two ?? []].flat());
const chunk = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 * BLOCK_SIZE }));

describe("frames of any kind", () => {
  it("are encoded as the naive codec does it, and come back as they were, in chunks of any size", () => {
    fc.assert(
      fc.property(items, chunk, (sent, length) => {
        const stream = joined(sent.flatMap((item) => encode(item)));
        const naive = naiveEncode(sent);
        expect(sameBytes(stream, naive)).toBe(true);
        const { frames, error } = withoutPayloads(feed(createClassicDecoder(), stream, { chunk: () => length }));
        expect(error).toBeUndefined();
        expect(withoutData(frames)).toEqual(withoutData(naiveDecode(naive).frames));
        expect(frames.map((frame) => saidBy(frame))).toEqual(sent.map((item) => saidBy(item)));
        expect(frames.every((frame, i) => sameBytes(dataOf(frame), dataOf(sent[i])))).toBe(true);
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  it("are neighbouring zero blocks where one call made them", () => {
    fc.assert(
      fc.property(device, offset, fc.integer({ min: 1, max: 300 }), (name, at, count) => {
        const last = Math.floor((Number.MAX_SAFE_INTEGER - at) / BLOCK_SIZE);
        const blocks = Array.from({ length: Math.min(count, last) }, (_, i) => at + i * BLOCK_SIZE);
        const frames = joined(encodeZeroBlocks(encodeDeviceName(name), at, blocks.length));
        expect(naiveDecode(frames).frames.map((frame) => "offset" in frame && frame.offset)).toEqual(blocks);
      }),
    );
  });
});

function encode(item: NaiveItem): Segments {
  if (item.type === "eos") return encodeEos();
  if (item.type === "progress") return encodeProgress(item.percent);
  const name = encodeDeviceName(item.device);
  return item.type === "zero" ? encodeZeroBlocks(name, item.offset, 1) : encodeBlock(name, item.offset, item.data);
}

function joined(segments: Segments): Uint8Array {
  const bytes = new Uint8Array(segments.reduce((sum, segment) => sum + segment.length, 0));
  let at = 0;
  for (const segment of segments) {
    bytes.set(segment, at);
    at += segment.length;
  }
  return bytes;
}

/** What a frame says, apart from its data and its place in the stream. */
function saidBy(frame: ClassicFrame | NaiveItem): unknown[] {
  if (frame.type === "eos") return [frame.type];
  return frame.type === "progress" ? [frame.type, frame.percent] : [frame.type, frame.device, frame.offset];
}
