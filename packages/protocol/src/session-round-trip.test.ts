import { createSessionDecoder } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeSession } from "../test/encode-session.ts";
import { joined } from "../test/feed-envelope.ts";
import { dataOf, feed, sameBytes, withoutData, withoutPayloads } from "../test/feed.ts";
import { naiveSessionDecode, naiveSessionEncode, type NaiveSessionFrame } from "../test/naive-session.ts";
import { sessionFrame } from "../test/session-arbitrary.ts";

const frames = fc.array(sessionFrame, { maxLength: 12 });
const chunk = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50_000 }));
const taken = { magic: "taken" } as const;

describe("a session's frames of any kind", () => {
  it("are encoded as the naive codec does it, and come back as they were, in chunks of any size", () => {
    fc.assert(
      fc.property(frames, chunk, (sent, length) => {
        const stream = joined(sent.flatMap((frame) => encodeSession(frame)));
        const naive = joined(sent.map((frame) => naiveSessionEncode(frame)));
        expect(sameBytes(stream, naive)).toBe(true);
        const fed = withoutPayloads(feed(createSessionDecoder(taken), stream, { chunk: () => length, land: garbage }));
        expect(fed.error).toBeUndefined();
        expect(withoutData(fed.frames)).toEqual(withoutData(naiveSessionDecode(naive).frames));
        expect(fed.frames.map((frame) => unplaced(frame))).toEqual(sent.map((frame) => unplaced(frame)));
      }),
      { numRuns: 300 },
    );
  }, 30_000);

  it("are the same for every split of the stream in two", () => {
    const sent: NaiveSessionFrame[] = [
      { type: "message", message: { say: "cancel", message: "\u{1f4be} no" } },
      { type: "data", disk: 1, offset: 512, length: 70, data: new Uint8Array(70).fill(0x5a) },
      { type: "hash", disk: 2, offset: 0, length: 5, digest: new Uint8Array(32).fill(9) },
      { type: "hole", disk: 0, offset: 0, length: 2 ** 40 },
      { type: "data", disk: 1, offset: 0, length: 1, data: Uint8Array.of(3) },
      { type: "ack", written: 2, durable: 1 },
    ];
    const stream = joined(sent.map((frame) => naiveSessionEncode(frame)));
    const whole = withoutPayloads(feed(createSessionDecoder(taken), stream, { land: garbage }));
    expect(whole.frames.map((frame) => frame.type)).toEqual(sent.map((frame) => frame.type));
    for (let split = 1; split < stream.length; split++) {
      const chunks = [split, stream.length - split];
      const fed = feed(createSessionDecoder(taken), stream, { chunk: () => chunks.shift() ?? 0, land: garbage });
      expect(withoutPayloads(fed)).toEqual(whole);
    }
  });

  it("give back the landed buffer itself, and a digest that is the caller's to keep", () => {
    const digest = new Uint8Array(32).fill(7);
    const stream = joined([
      ...encodeSession({ type: "hash", disk: 0, offset: 0, length: 9, digest }),
      ...encodeSession({ type: "data", disk: 0, offset: 0, length: 9, data: new Uint8Array(9).fill(1) }),
    ]);
    const buffer = garbage();
    const fed = feed(createSessionDecoder(taken), stream, { land: () => buffer });
    expect(dataOf(fed.frames[2]).buffer).toBe(buffer.buffer);
    expect(dataOf(fed.frames[2])).toEqual(new Uint8Array(9).fill(1));
    expect(fed.frames[0]).toMatchObject({ type: "hash", digest });
  });
});

function garbage(): Uint8Array {
  return new Uint8Array(4096).fill(0xee);
}

function unplaced(frame: object): object {
  return Object.fromEntries(Object.entries(frame).filter(([key]) => key !== "position"));
}
