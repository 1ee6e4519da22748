import { BLOCK_SIZE, type ClassicGeneration, createClassicDecoder } from "@blkmig/protocol";
import { naiveDecode } from "@blkmig/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { feed, withoutData, withoutPayloads } from "../test/feed.ts";

const generation = fc.constantFrom<ClassicGeneration>("1.0", "1.1");
const chunk = fc.integer({ min: 1, max: 50_000 });

/** A word whose flags, sector and name are each right or nearly so. */
const almostFrame = fc
  .record({
    flags: fc.oneof(fc.constantFrom(1n, 9n, 9n, 9n, 2n, 4n), fc.bigInt(0n, 511n)),
    rest: fc.oneof(
      fc.bigInt(0n, 2n ** 13n).map((block) => block << 20n),
      fc.bigInt(0n, 120n).map((percent) => percent << 9n),
      fc.constantFrom(0n, 2n ** 53n - 2n ** 20n, 2n ** 53n - 2n ** 21n, 2n ** 63n, 2n ** 32n),
      fc.bigInt(0n, 2n ** 55n - 1n).map((sector) => sector << 9n),
    ),
    name: fc.oneof(fc.constant(Uint8Array.of(0x76, 0x64, 0x61)), fc.uint8Array({ maxLength: 6 })),
  })
  .map(({ flags, rest, name }) => {
    const word = new Uint8Array(8);
    new DataView(word.buffer).setBigUint64(0, rest | flags);
    return Array.from(word).concat((flags & 1n) === 1n ? [name.length, Array.from(name)].flat() : []);
  });
const almostStream = fc
  .tuple(fc.array(almostFrame, { maxLength: 12 }), fc.nat(20))
  .map(([frames, cut]) => Uint8Array.from(frames.flat()).subarray(0, Math.max(0, frames.flat().length - cut)));

/** Our decoder and the naive one say the same of a stream: its frames, the fault, and where that is. */
function expectAgreement(stream: Uint8Array, spoken: ClassicGeneration, length: number): void {
  let landed = 0;
  const buffer = new Uint8Array(BLOCK_SIZE);
  const land = (): Uint8Array => {
    landed++;
    return buffer;
  };
  const fed = feed(createClassicDecoder({ generation: spoken }), stream, { chunk: () => length, land });
  const naive = naiveDecode(stream, spoken);
  expect(fed.error).toEqual(naive.error);
  const { frames } = withoutPayloads(fed);
  expect(withoutData(frames)).toEqual(withoutData(naive.frames));
  expect(landed).toBe(fed.frames.filter((frame) => frame.type === "payload").length);
}

describe("bytes from a stranger", () => {
  it("at random are refused with a ProtocolError, or are a stream to the naive codec too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), generation, chunk, (stream, spoken, length) => {
        expectAgreement(stream, spoken, length);
        expect(stream.length).toBeLessThanOrEqual(400);
      }),
      { numRuns: 300 },
    );
  });

  it("that are nearly frames are judged as the naive codec judges them", () => {
    fc.assert(
      fc.property(almostStream, generation, chunk, (stream, spoken, length) => {
        expectAgreement(stream, spoken, length);
        expect(stream.length).toBeLessThan(1000);
      }),
      { numRuns: 1000 },
    );
  });

  it("never make the decoder want more than its scratch, or than the rest of one payload", () => {
    fc.assert(
      fc.property(almostStream, (stream) => {
        const decoder = createClassicDecoder();
        const scratch = decoder.want().buffer;
        const wanted = new Set<ArrayBufferLike>();
        const buffer = new Uint8Array(BLOCK_SIZE);
        const watched: typeof decoder = {
          want: () => {
            const want = decoder.want();
            wanted.add(want.buffer);
            return want;
          },
          accept: (bytes) => decoder.accept(bytes),
          next: () => decoder.next(),
          land: (into) => decoder.land(into),
          end: () => decoder.end(),
        };
        feed(watched, stream, { chunk: () => 5, land: () => buffer });
        wanted.delete(scratch);
        wanted.delete(buffer.buffer);
        expect(wanted.size).toBe(0);
        expect(scratch.byteLength).toBeLessThanOrEqual(64 * 1024);
      }),
      { numRuns: 300 },
    );
  });

  it("in all 512 combinations of flags are a frame only where the format has one", () => {
    for (const spoken of ["1.0", "1.1"] as const) {
      for (let flags = 0; flags < 512; flags++) {
        const stream = Uint8Array.from([0, 0, 0, 0, 0, 0, flags >> 8, flags & 255]);
        const expected = naiveDecode(stream, spoken).error;
        expect(feed(createClassicDecoder({ generation: spoken }), stream).error).toEqual(expected);
      }
    }
  });
});
