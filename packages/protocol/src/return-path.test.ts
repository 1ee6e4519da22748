import { createReturnPathDecoder, encodeShut, ProtocolError, type ReturnMessage } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { feed } from "../test/feed.ts";

/** Written with a DataView, so that encoder and decoder are not judged by each other alone. */
function naiveMessages(messages: readonly Omit<ReturnMessage, "position">[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * messages.length));
  for (const [i, { type, value }] of messages.entries()) {
    view.setUint16(8 * i, type === "shut" ? 1 : 2);
    view.setUint16(8 * i + 2, 4);
    view.setUint32(8 * i + 4, value);
  }
  return new Uint8Array(view.buffer);
}

const message = fc.record({ type: fc.constantFrom("shut" as const, "pong" as const), value: fc.nat(0xffff_ffff) });

describe("the return path", () => {
  it("encodes SHUT as a DataView would", () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (value) => {
        expect(encodeShut(value)).toEqual([naiveMessages([{ type: "shut", value }])]);
      }),
    );
  });

  it("decodes any messages in any chunks", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 80 }), fc.integer({ min: 1, max: 300 }), (messages, chunk) => {
        const fed = feed(createReturnPathDecoder(), naiveMessages(messages), { chunk: () => chunk });
        expect(fed).toEqual({ frames: messages.map((sent, i) => ({ ...sent, position: 8 * i })) });
      }),
    );
  });

  it("never fails on random bytes but with a ProtocolError, at a message's beginning", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(8), (noise, good) => {
        const head = naiveMessages(Array.from({ length: good }, () => ({ type: "pong" as const, value: 7 })));
        const { frames, error } = feed(createReturnPathDecoder(), Uint8Array.from([...head, ...noise]));
        expect(frames.length).toBeGreaterThanOrEqual(good);
        expect(error?.position ?? 8 * frames.length).toBe(8 * frames.length);
      }),
    );
  });

  it("has no payloads to land", () => {
    expect(() => createReturnPathDecoder().land(new Uint8Array(8))).toThrow("the return path has none");
  });

  it("wants some bytes until it must be drained, and takes no more than that", () => {
    const decoder = createReturnPathDecoder();
    const want = decoder.want();
    for (const bytes of [0, -1, 1.5, want.length + 1]) expect(() => decoder.accept(bytes)).toThrow(RangeError);
    want.set(naiveMessages(Array.from({ length: want.length / 8 }, () => ({ type: "shut" as const, value: 1 }))));
    decoder.accept(want.length);
    expect(() => decoder.want()).toThrow("call next() before want()");
    expect(() => decoder.end()).toThrow("call next() until it gives undefined");
  });

  it("stays failed", () => {
    const decoder = createReturnPathDecoder();
    decoder.want().set([0, 5, 0, 4]);
    decoder.accept(4);
    for (const call of [
      () => decoder.next(),
      () => decoder.next(),
      () => decoder.want(),
      () => decoder.accept(1),
      () => decoder.land(new Uint8Array(8)),
      () => decoder.end(),
    ]) {
      expect(call).toThrow(ProtocolError);
      expect(call).toThrow(
        "return-path message of type 5 and 4 byte(s) is neither SHUT nor PONG (at byte 0 of the stream)",
      );
    }
  });
});
