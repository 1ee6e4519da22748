import { createSessionDecoder, type Decoder, MESSAGE_BYTES, type SessionFrame } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { joined } from "../test/feed-envelope.ts";
import { feed, withoutPayloads } from "../test/feed.ts";
import {
  type NaiveChecksums,
  naiveSessionDecode,
  naiveSessionEncode,
  naiveSessionFrame,
} from "../test/naive-session.ts";
import { sessionFrame } from "../test/session-arbitrary.ts";

const taken = { magic: "taken" } as const;
const FRAME_BYTES = 64;
const chunk = fc.integer({ min: 1, max: 5000 });
const agreements = fc.constantFrom("present" as const, "absent" as const);
const utf8 = new TextEncoder();

const number = fc.oneof(
  fc.bigInt(0n, 70n),
  fc.constantFrom(0n, 1n, 63n, 64n, 65n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 32n, 2n ** 64n - 1n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);
const payload = fc.oneof(
  fc.constant(new Uint8Array()),
  fc.uint8Array({ maxLength: 66 }),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc
    .constantFrom(
      "{}",
      "[]",
      "nul",
      '{"say":"done","attempt":2}',
      '{"say":"x"}',
      '{"say":"x","optional":true}',
      "\u0000",
    )
    .map((text) => utf8.encode(text)),
);

/** A header whose fields are each right or nearly so, and mostly with the checksums that belong to it. */
const almostFrame = fc
  .record({
    type: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(0, 9, 0x7f, 0x80, 0xff)),
    flags: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
    disk: fc.constantFrom(0, 0, 0, 1),
    offset: number,
    length: fc.oneof(fc.constant("size" as const), number),
    wrong: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
    crc: fc.constantFrom("right", "right", "right", "right", "none", "wrong"),
    size: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) }),
    payload,
  })
  .map(({ type, flags, disk, offset, length, wrong, crc, size, payload: bytes }) =>
    naiveSessionFrame(
      {
        type,
        flags,
        disk,
        offset,
        length: length === "size" ? BigInt(bytes.length) : length,
        wrong,
        ...(crc === "right" ? {} : { payloadCrc: crc === "none" ? 0 : 77 }),
        ...(size === undefined ? {} : { size }),
      },
      bytes,
    ),
  );
const good = sessionFrame.filter((frame) => frame.type !== "data" || frame.length <= FRAME_BYTES);
const almostStream = fc
  .tuple(
    fc.array(
      fc.oneof(
        almostFrame,
        good.map((frame) => naiveSessionEncode(frame)),
      ),
      { maxLength: 8 },
    ),
    fc.nat(20),
  )
  .map(([frames, cut]) => joined(frames).subarray(0, Math.max(0, joined(frames).length - cut)));

/** Our decoder and the naive one say the same of a stream: its frames, the fault, and where that is. */
function expectAgreement(stream: Uint8Array, length: number, checksums: NaiveChecksums = "present"): void {
  let landed = 0;
  const land = (): Uint8Array => {
    landed++;
    return new Uint8Array(FRAME_BYTES).fill(0xee);
  };
  const decoder = createSessionDecoder({ ...taken, frameBytes: FRAME_BYTES });
  decoder.setDataChecksums(checksums);
  const fed = feed(decoder, stream, { chunk: () => length, land });
  const naive = naiveSessionDecode(stream, FRAME_BYTES, checksums);
  expect(fed.error).toEqual(naive.error);
  expect(withoutPayloads(fed).frames).toEqual(naive.frames);
  expect(landed).toBe(fed.frames.filter((frame) => frame.type === "payload").length);
}

describe("a session from a stranger", () => {
  it("at random is refused with a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), chunk, (stream, length) => {
        expectAgreement(stream, length);
        expect(feed(createSessionDecoder(), stream, { chunk: () => length }).error).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  it("that is nearly one is judged as the naive codec judges it", () => {
    fc.assert(
      fc.property(almostStream, chunk, agreements, (stream, length, agreed) => expectAgreement(stream, length, agreed)),
      { numRuns: 2000 },
    );
  }, 30_000);

  it("never makes the decoder hold more than its scratch, one payload and one message", () => {
    fc.assert(
      fc.property(almostStream, (stream) => {
        const decoder = createSessionDecoder({ ...taken, frameBytes: FRAME_BYTES });
        const buffer = new Uint8Array(FRAME_BYTES);
        const wanted = new Set<ArrayBufferLike>();
        feed(watched(decoder, wanted), stream, { chunk: () => 5, land: () => buffer });
        wanted.delete(buffer.buffer);
        for (const memory of wanted) expect(memory.byteLength).toBeLessThanOrEqual(MESSAGE_BYTES);
      }),
      { numRuns: 300 },
    );
  });

  it("may nest its message as deeply as it is long", () => {
    for (const text of ["[".repeat(MESSAGE_BYTES), '{"a":'.repeat(MESSAGE_BYTES / 5)]) {
      const stream = naiveSessionFrame({ type: 6 }, utf8.encode(text));
      expect(feed(createSessionDecoder(taken), stream).error).toEqual({ code: "bad-message", position: 8 });
    }
    const half = MESSAGE_BYTES / 2 - 20;
    const deep = `{"say":"done","attempt":1,"a":${"[".repeat(half)}${"]".repeat(half)}}`;
    const { frames, error } = feed(createSessionDecoder(taken), naiveSessionFrame({ type: 6 }, utf8.encode(deep)));
    // An engine may give up on it; if it does not, an unknown key is ignored.
    expect([error?.code, frames.length]).toEqual(error ? ["bad-message", 0] : [undefined, 1]);
  });
});

describe("a data frame with one bit wrong", () => {
  const data = Uint8Array.from({ length: 48 }, (_, i) => i * 37 + 11);
  const right = naiveSessionFrame({ type: 1, disk: 1, offset: 4096n, length: 48n }, data);

  it("is never handed out as data, whichever bit it is", () => {
    expect(typesOf(right)).toEqual(["payload", "data"]);
    for (let bit = 0; bit < right.length * 8; bit++) {
      const wrong = right.slice();
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { frames, error } = feed(createSessionDecoder(taken), wrong, { land: () => new Uint8Array(48).fill(0xee) });
      expect(error).toEqual({ code: "bad-checksum", position: 8 });
      expect(frames.map((frame) => frame.type)).toEqual(bit < 32 * 8 ? [] : ["payload"]);
    }
  });

  it("is never handed out where two or three bits are wrong, or a run of 32", () => {
    const flips = fc.oneof(
      fc.uniqueArray(fc.nat(right.length * 8 - 1), { minLength: 2, maxLength: 3 }),
      fc.tuple(fc.nat(right.length * 8 - 32), fc.integer({ min: 2, max: 32 })).map(([from, count]) => {
        return Array.from({ length: count }, (_, i) => from + i);
      }),
    );
    fc.assert(
      fc.property(flips, (bits) => {
        const wrong = right.slice();
        for (const bit of bits) wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(typesOf(wrong)).not.toContain("data");
      }),
      { numRuns: 2000 },
    );
  });

  function typesOf(stream: Uint8Array): string[] {
    return feed(createSessionDecoder(taken), stream).frames.map((frame) => frame.type);
  }
});

function watched(decoder: Decoder<SessionFrame>, wanted: Set<ArrayBufferLike>): Decoder<SessionFrame> {
  return {
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
}
