import { BLOCK_SIZE, createClassicDecoder, type ClassicFrame, type Decoder, ProtocolError } from "@blkmig/protocol";
import { naiveEncode } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { sameBytes } from "../test/feed.ts";

const block = Uint8Array.from({ length: BLOCK_SIZE }, (_, i) => (i * 2654435761) >>> 24);
const header = naiveEncode([{ type: "block", device: "vda", offset: 0, data: block }]).subarray(0, 12);
const eos = naiveEncode([{ type: "eos" }]);

function put(decoder: Decoder<ClassicFrame>, bytes: Uint8Array): void {
  decoder.want().set(bytes);
  decoder.accept(bytes.length);
}

/** A decoder that has landed `buffer` when `came` bytes of the payload had come with the header. */
function landed(buffer: Uint8Array, came = 0): Decoder<ClassicFrame> {
  const decoder = createClassicDecoder();
  put(decoder, Uint8Array.from([...header, ...block.subarray(0, came)]));
  expect(decoder.next()).toEqual({ type: "payload", device: "vda", offset: 0, position: 0 });
  decoder.land(buffer);
  return decoder;
}

describe("a payload", () => {
  it("lands where the caller says: want() is exactly the rest of it, in the landed memory", () => {
    const buffer = new Uint8Array(BLOCK_SIZE);
    const decoder = landed(buffer, 100);
    const want = decoder.want();
    expect(want.buffer).toBe(buffer.buffer);
    expect(want.byteOffset).toBe(100);
    expect(want).toHaveLength(BLOCK_SIZE - 100);
    put(decoder, block.subarray(100, 200));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.want()).toHaveLength(BLOCK_SIZE - 200);
    put(decoder, block.subarray(200));
    const frame = decoder.next();
    expect(frame).toMatchObject({ type: "block", device: "vda", offset: 0, position: 0 });
    expect(sameBytes(buffer, block)).toBe(true);
    expect(decoder.next()).toBeUndefined();
    decoder.end();
  });

  it("does not touch a longer buffer behind 1 MiB, and gives back the first 1 MiB of it", () => {
    const buffer = new Uint8Array(BLOCK_SIZE + 50).fill(0xee).subarray(20);
    const decoder = landed(buffer, 7);
    expect(decoder.want()).toHaveLength(BLOCK_SIZE - 7);
    put(decoder, block.subarray(7));
    const frame = decoder.next();
    const data = frame?.type === "block" ? frame.data : new Uint8Array();
    expect(data.byteOffset).toBe(20);
    expect(sameBytes(data, block)).toBe(true);
    expect([...buffer.subarray(BLOCK_SIZE)]).toEqual(Array.from({ length: 30 }, () => 0xee));
  });

  it("is waited for: next() gives nothing before land(), nor want() a place", () => {
    const decoder = createClassicDecoder();
    put(decoder, Uint8Array.from([...header, 1, 2, 3]));
    expect(decoder.next()?.type).toBe("payload");
    expect(decoder.next()).toBeUndefined();
    expect(() => decoder.want()).toThrow("call land() before want()");
    expect(() => decoder.accept(1)).toThrow(RangeError);
    decoder.land(new Uint8Array(BLOCK_SIZE));
    expect(decoder.want()).toHaveLength(BLOCK_SIZE - 3);
  });

  it("lands once, after its header, and in enough memory", () => {
    const decoder = createClassicDecoder();
    expect(() => decoder.land(new Uint8Array(BLOCK_SIZE))).toThrow("after next() gave a payload");
    put(decoder, header);
    decoder.next();
    expect(() => decoder.land(new Uint8Array(BLOCK_SIZE - 1))).toThrow(RangeError);
    decoder.land(new Uint8Array(BLOCK_SIZE));
    expect(() => decoder.land(new Uint8Array(BLOCK_SIZE))).toThrow("after next() gave a payload");
  });
});

describe("the scratch", () => {
  it("is some tens of KiB, never empty, and stays as large when half a header waits in it", () => {
    const decoder = createClassicDecoder();
    const whole = decoder.want().length;
    expect(whole).toBe(32 * 1024);
    put(decoder, eos);
    expect(decoder.next()).toEqual({ type: "eos", position: 0 });
    put(decoder, eos.subarray(0, 3));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.want()).toHaveLength(whole - 3);
    put(decoder, eos.subarray(3));
    expect(decoder.next()).toEqual({ type: "eos", position: 8 });
  });

  it("holds many frames of one read, and says so where the caller does not drain them", () => {
    const decoder = createClassicDecoder();
    const want = decoder.want();
    for (let at = 0; at < want.length; at += 8) want.set(eos, at);
    decoder.accept(want.length);
    expect(() => decoder.want()).toThrow("call next() before want()");
    expect(() => decoder.end()).toThrow("call next() until it gives undefined");
    for (let position = 0; position < want.length; position += 8) {
      expect(decoder.next()).toEqual({ type: "eos", position });
    }
    expect(decoder.next()).toBeUndefined();
    decoder.end();
  });

  it("takes no count of bytes that cannot have come", () => {
    const decoder = createClassicDecoder();
    for (const bytes of [0, -1, 0.5, Number.NaN, 32 * 1024 + 1]) {
      expect(() => decoder.accept(bytes)).toThrow(RangeError);
    }
    const payload = landed(new Uint8Array(2 * BLOCK_SIZE), 5);
    expect(() => payload.accept(BLOCK_SIZE - 4)).toThrow(RangeError);
    payload.accept(BLOCK_SIZE - 5);
    expect(() => payload.want()).toThrow("call next() before want()");
    expect(() => payload.end()).toThrow("call next() until it gives undefined");
  });
});

describe("a stream that ends inside a frame", () => {
  const cases: [string, Uint8Array, string][] = [
    ["a word", header.subarray(0, 3), "5 of the 8 bytes of its word"],
    ["before a name", header.subarray(0, 8), "its device name"],
    ["a name", header.subarray(0, 10), "2 of the 3 bytes of its device name"],
    ["before a payload", header, "1048576 of the 1048576 bytes of its payload"],
    ["a payload", Uint8Array.from([...header, 9, 9]), "1048574 of the 1048576 bytes of its payload"],
  ];

  it.each(cases)("in %s says how much is missing, and since which byte", (_, bytes, missing) => {
    for (const lands of [true, false]) {
      const decoder = createClassicDecoder();
      put(decoder, eos);
      put(decoder, bytes);
      while (decoder.next()?.type === "eos");
      if (lands && bytes.length >= header.length) decoder.land(new Uint8Array(BLOCK_SIZE));
      const error = thrown(() => decoder.end());
      expect(error).toMatchObject({ code: "truncated", position: 8 });
      expect(error.message).toBe(
        `the stream ends inside a frame: ${missing} are missing (at byte 8 of the stream)`.replace(
          "name are",
          bytes.length === 8 ? "name is" : "name are",
        ),
      );
    }
  });

  it("may end before its first frame", () => {
    expect(() => createClassicDecoder().end()).not.toThrow();
  });
});

describe("a decoder that has failed", () => {
  it("throws the same error from every method", () => {
    const decoder = createClassicDecoder();
    put(decoder, Uint8Array.from([...eos, 0, 0, 0, 0, 0, 0, 1, 0x80, ...eos]));
    expect(decoder.next()?.type).toBe("eos");
    const error = thrown(() => decoder.next());
    expect(error.code).toBe("unknown-flags");
    expect(error.message).toContain("0x180");
    for (const call of [
      () => decoder.next(),
      () => decoder.want(),
      () => decoder.accept(1),
      () => decoder.land(new Uint8Array(BLOCK_SIZE)),
      () => decoder.end(),
    ]) {
      expect(thrown(call)).toBe(error);
    }
  });

  it("has failed after a truncated end too", () => {
    const decoder = createClassicDecoder();
    put(decoder, eos.subarray(1));
    decoder.next();
    const error = thrown(() => decoder.end());
    expect(thrown(() => decoder.want())).toBe(error);
  });

  it("says which bytes were no UTF-8, and why", () => {
    const decoder = createClassicDecoder();
    put(decoder, Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 9, 1, 0xff]));
    const error = thrown(() => decoder.next());
    expect(error).toMatchObject({ code: "bad-name", position: 9 });
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});

function thrown(call: () => unknown): ProtocolError {
  try {
    call();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
