import {
  encodeAck,
  encodeAnswer,
  encodeData,
  encodeHash,
  encodeHole,
  encodeMessage,
  encodeSessionPing,
  encodeSessionPong,
  encodeSessionPreface,
  MESSAGE_BYTES,
  MOST_FRAME_BYTES,
  SESSION_MAGIC,
  type SessionExtent,
  type SessionMessage,
} from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

const LAST = Number.MAX_SAFE_INTEGER;
const digest = new Uint8Array(32);

const extents: [string, SessionExtent][] = [
  ["a disk that is none", { disk: -1, offset: 0, length: 1 }],
  ["a disk beyond 16 bits", { disk: 65536, offset: 0, length: 1 }],
  ["half a disk", { disk: 0.5, offset: 0, length: 1 }],
  ["a negative offset", { disk: 0, offset: -1, length: 1 }],
  ["an offset that is no number", { disk: 0, offset: Number.NaN, length: 1 }],
  ["no length", { disk: 0, offset: 0, length: 0 }],
  ["a broken length", { disk: 0, offset: 0, length: 1.5 }],
  ["an end beyond 2^53 - 1", { disk: 0, offset: LAST, length: 1 }],
];

describe("an encoder of a session's frames", () => {
  it("gives a preface that is nobody else's memory", () => {
    expect(encodeSessionPreface()).toEqual([SESSION_MAGIC]);
    expect(encodeSessionPreface()[0]).not.toBe(SESSION_MAGIC);
  });

  it("gives data back as the caller's own view", () => {
    const data = new Uint8Array(100).subarray(3, 7);
    const [header, view] = encodeData({ disk: 0, offset: 0, length: 4 }, data);
    expect(header?.length).toBe(32);
    expect(view).toBe(data);
  });

  it("asks for no checksum of data that goes without one", () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    const [header] = encodeData({ disk: 0, offset: 0, length: 4 }, data, "unchecked");
    expect(header?.subarray(24, 28)).toEqual(new Uint8Array(4));
    expect(() => encodeData({ disk: 0, offset: 0, length: 3 }, data, "unchecked")).toThrow(RangeError);
  });

  it.each(extents)("refuses %s", (_what, extent) => {
    expect(() => encodeHole(extent)).toThrow(RangeError);
    expect(() => encodeHash(extent, "zero")).toThrow(RangeError);
    expect(() => encodeHash(extent, digest)).toThrow(RangeError);
    expect(() => encodeAnswer(extent, true)).toThrow(RangeError);
    expect(() => encodeData(extent, new Uint8Array(1))).toThrow(RangeError);
  });

  it("refuses data that is not as long as its extent, or longer than a frame can be", () => {
    expect(() => encodeData({ disk: 0, offset: 0, length: 4 }, new Uint8Array(5))).toThrow(RangeError);
    const length = MOST_FRAME_BYTES + 1;
    expect(() => encodeData({ disk: 0, offset: 0, length }, new Uint8Array(length))).toThrow(RangeError);
    expect(() => encodeHash({ disk: 0, offset: 0, length }, digest)).toThrow(RangeError);
    expect(() => encodeHash({ disk: 0, offset: 0, length: 4 }, new Uint8Array(31))).toThrow(RangeError);
  });

  it("refuses counts and values that cannot be", () => {
    expect(() => encodeAck(1, 2)).toThrow(RangeError);
    for (const number of [-1, 0.5, LAST + 1, Number.NaN]) {
      expect(() => encodeAck(number, 0)).toThrow(RangeError);
      expect(() => encodeAck(LAST, number)).toThrow(RangeError);
      expect(() => encodeSessionPing(number)).toThrow(RangeError);
      expect(() => encodeSessionPong(number)).toThrow(RangeError);
    }
  });

  it("refuses a message that the other end would refuse", () => {
    expect(() => encodeMessage({ say: "commit", attempt: 0 })).toThrow(RangeError);
    expect(() => encodeMessage({ say: "failed", code: "a b", message: "" })).toThrow(RangeError);
    expect(() => encodeMessage({ say: "hello-other", versions: [3, 3] })).toThrow(RangeError);
    expect(() => encodeMessage({ say: "nothing" } as unknown as SessionMessage)).toThrow(RangeError);
  });

  it("refuses a message whose text is too long, though each field of it is not", () => {
    const disks = Array.from({ length: 256 }, (_, i) => ({
      name: `${"\u0001".repeat(250)}${i}`,
      size: 512,
      granularity: 4096,
    }));
    const hello = { say: "hello", versions: [2, 2], features: [], migration: "m", source: "s", disks } as const;
    const flags = { frameBytes: 512, resume: false, incremental: false, clone: false };
    expect(() => encodeMessage({ ...hello, ...flags })).toThrow(`${MESSAGE_BYTES} are the most`);
  });

  it("cuts a sentence rather than fail at reporting a failure", () => {
    const long = encodeMessage({ say: "failed", code: "io", message: "x".repeat(5000) });
    expect(long).toEqual(encodeMessage({ say: "failed", code: "io", message: "x".repeat(1024) }));
  });

  it("writes the known keys alone, in the order of the table", () => {
    const message = { attempt: 3, colour: "red", say: "sealed" } as unknown as SessionMessage;
    expect(encodeMessage(message)).toEqual(encodeMessage({ say: "sealed", attempt: 3 }));
  });
});
