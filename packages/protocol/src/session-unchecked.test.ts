import { createSessionDecoder, encodeData, FRAME_BYTES, type SessionDecoder } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeSession } from "../test/encode-session.ts";
import { joined } from "../test/feed-envelope.ts";
import { feed, sameBytes, withoutData, withoutPayloads } from "../test/feed.ts";
import { naiveSessionDecode, naiveSessionEncode, type NaiveSessionFrame } from "../test/naive-session.ts";
import { sessionFrame } from "../test/session-arbitrary.ts";

const chunk = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50_000 }));
const extent = { disk: 1, offset: 4096, length: 48 };
const data = Uint8Array.from({ length: 48 }, (_, i) => i * 37 + 11);
const HEADER_BITS = 32 * 8;

function agreeing(): SessionDecoder {
  const decoder = createSessionDecoder({ magic: "taken" });
  decoder.setDataChecksums("absent");
  return decoder;
}

function garbage(): Uint8Array {
  return new Uint8Array(4096).fill(0xee);
}

function flipped(stream: Uint8Array, bit: number): Uint8Array {
  const wrong = stream.slice();
  wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return wrong;
}

describe("where data goes without checksums", () => {
  it("frames of any kind are as the naive codec writes them, and come back, in chunks of any size", () => {
    fc.assert(
      fc.property(fc.array(sessionFrame, { maxLength: 12 }), chunk, (sent, length) => {
        const stream = joined(sent.flatMap((frame) => encodeSession(frame, "absent")));
        const naive = joined(sent.map((frame) => naiveSessionEncode(frame, "absent")));
        expect(sameBytes(stream, naive)).toBe(true);
        const fed = withoutPayloads(feed(agreeing(), stream, { chunk: () => length, land: garbage }));
        expect(fed).toEqual(naiveSessionDecode(naive, FRAME_BYTES, "absent"));
        expect(fed.frames.length).toBe(sent.length);
      }),
      { numRuns: 300 },
    );
  }, 30_000);

  it("they are the same for every split of the stream in two", () => {
    const sent: NaiveSessionFrame[] = [
      { type: "data", ...extent, data },
      { type: "message", message: { say: "cancel", message: "\u{1f4be} no" } },
      { type: "data", disk: 1, offset: 0, length: 1, data: Uint8Array.of(3) },
      { type: "hash", disk: 2, offset: 0, length: 5, digest: new Uint8Array(32).fill(9) },
      { type: "hole", disk: 0, offset: 0, length: 2 ** 40 },
    ];
    const stream = joined(sent.map((frame) => naiveSessionEncode(frame, "absent")));
    const whole = withoutPayloads(feed(agreeing(), stream, { land: garbage }));
    expect(whole.frames.map((frame) => frame.type)).toEqual(sent.map((frame) => frame.type));
    for (let split = 1; split < stream.length; split++) {
      const chunks = [split, stream.length - split];
      const fed = feed(agreeing(), stream, { chunk: () => chunks.shift() ?? 0, land: garbage });
      expect(withoutPayloads(fed)).toEqual(whole);
    }
  });

  it("a wrong bit of the data goes by, and a wrong bit of its header does not", () => {
    const right = joined(encodeData(extent, data, "unchecked"));
    for (let bit = 0; bit < right.length * 8; bit++) {
      const wrong = flipped(right, bit);
      const { frames, error } = feed(agreeing(), wrong, { land: garbage });
      if (bit < HEADER_BITS) expect([frames, error]).toEqual([[], { code: "bad-checksum", position: 8 }]);
      else expect(frames[1]).toMatchObject({ type: "data", data: wrong.subarray(32) });
    }
  });

  it.each([
    ["message", { type: "message", message: { say: "done", attempt: 1 } }],
    ["digest", { type: "hash", ...extent, digest: new Uint8Array(32).fill(7) }],
  ] satisfies [string, NaiveSessionFrame][])("a wrong bit of a %s does not go by", (_what, frame) => {
    const right = naiveSessionEncode(frame);
    for (let bit = 0; bit < right.length * 8; bit++) {
      const { frames, error } = feed(agreeing(), flipped(right, bit));
      expect([frames, error]).toEqual([[], { code: "bad-checksum", position: 8 }]);
    }
  });

  it("data with a checksum, right or wrong, is refused before its bytes come", () => {
    const checked = joined(encodeData(extent, data));
    const decoder = agreeing();
    decoder.want().set(checked.subarray(0, 32));
    decoder.accept(32);
    expect(() => decoder.next()).toThrow("it was agreed that none has");
  });
});

describe("from the next frame on", () => {
  it("what is agreed counts: a frame whose header has come is checked as it was announced", () => {
    const decoder = createSessionDecoder({ magic: "taken" });
    const checked = joined(encodeData(extent, data));
    for (const wrong of [false, true]) {
      decoder.setDataChecksums("present");
      const stream = wrong ? flipped(checked, HEADER_BITS) : checked;
      decoder.want().set(stream);
      decoder.accept(stream.length);
      expect(decoder.next()?.type).toBe("payload");
      decoder.setDataChecksums("absent");
      decoder.land(garbage());
      if (wrong) expect(() => decoder.next()).toThrow("not the one that was sent");
      else expect(decoder.next()).toMatchObject({ type: "data", data });
    }
  });
});

describe("to who does not know what was agreed", () => {
  it("data comes with a checksum, which is checked, or without one", () => {
    const both = joined([...encodeData(extent, data), ...encodeData(extent, data, "unchecked")]);
    const either = (): SessionDecoder => {
      const decoder = createSessionDecoder({ magic: "taken" });
      decoder.setDataChecksums("either");
      return decoder;
    };
    const types = ["payload", "data", "payload", "data"];
    expect(withoutData(feed(either(), both).frames)).toMatchObject(types.map((type) => ({ type })));
    expect(feed(either(), flipped(both, HEADER_BITS)).error).toEqual({ code: "bad-checksum", position: 8 });
    expect(feed(createSessionDecoder({ magic: "taken" }), both).error).toEqual({ code: "bad-checksum", position: 88 });
  });
});
