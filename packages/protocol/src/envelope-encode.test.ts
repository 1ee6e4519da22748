import {
  encodeConfiguration,
  encodeEnvelopeHeader,
  encodeEof,
  encodeFooter,
  encodeOpenReturnPath,
  encodePing,
  encodePong,
  encodeSectionEnd,
  encodeSectionPart,
  encodeSectionStart,
  encodeVmDescription,
  findVmDescription,
  type Segments,
} from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { be, wire } from "../test/envelope-bytes.ts";

const block = { id: 2, name: "block", instance: 0, version: 1 };

describe("the envelope's encoders", () => {
  it.each<[string, Segments, string]>([
    ["header", encodeEnvelopeHeader(), "5145564d 00000003"],
    ["an empty configuration", encodeConfiguration(""), "07 00000000"],
    ["a configuration", encodeConfiguration("pc-i440fx-7.2"), "07 0000000d 70632d6934343066782d372e32"],
    ["OPEN_RETURN_PATH", encodeOpenReturnPath(), "08 0001 0000"],
    ["PING", encodePing(0x89abcdef), "08 0002 0004 89abcdef"],
    ["START", encodeSectionStart(block), "01 00000002 05 626c6f636b 00000000 00000001"],
    [
      "START of high numbers",
      encodeSectionStart({ id: 0xfffffffe, name: "é", instance: 7, version: 0x80000000 }),
      "01 fffffffe 02 c3a9 00000007 80000000",
    ],
    ["PART", encodeSectionPart(0x12345678), "02 12345678"],
    ["END", encodeSectionEnd(2), "03 00000002"],
    ["footer", encodeFooter(2), "7e 00000002"],
    ["EOF", encodeEof(), "00"],
    ["description", encodeVmDescription('{"é":1}'), "06 00000008 7b22c3a9223a317d"],
    ["PONG", encodePong(0x89abcdef), "0002 0004 89abcdef"],
  ])("write %s as the format says", (_, segments, hex) => {
    expect(toHex(segments)).toBe(hex.replaceAll(" ", ""));
  });

  it("refuse what the wire cannot say", () => {
    for (const value of [-1, 0.5, 2 ** 32, Number.NaN]) {
      expect(() => encodePing(value)).toThrow(RangeError);
      expect(() => encodePong(value)).toThrow(RangeError);
      expect(() => encodeFooter(value)).toThrow(RangeError);
      expect(() => encodeSectionPart(value)).toThrow(RangeError);
      expect(() => encodeSectionEnd(value)).toThrow(RangeError);
      expect(() => encodeSectionStart({ ...block, id: value })).toThrow(RangeError);
      expect(() => encodeSectionStart({ ...block, instance: value })).toThrow(RangeError);
      expect(() => encodeSectionStart({ ...block, version: value })).toThrow(RangeError);
    }
    for (const name of ["", "x".repeat(256)]) {
      expect(() => encodeSectionStart({ ...block, name })).toThrow(RangeError);
    }
    expect(() => encodeConfiguration("é".repeat(129))).toThrow("at most 256 bytes of UTF-8, not 258");
    expect(encodeConfiguration("é".repeat(128))).toHaveLength(1);
  });
});

describe("the description of a machine", () => {
  const json = `{"é":"${"x".repeat(700)}"}`;
  const bytes = new TextEncoder().encode(json);
  const described = wire(0, 6, be(bytes.length, 4), bytes);

  it("is found behind whatever comes before its EOF, in a view too", () => {
    const noises = [[], [0], [0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 3], Array.from(described)];
    for (const noise of noises) {
      const tail = wire(255, noise, described).subarray(1);
      expect(findVmDescription(tail)).toEqual({ offset: noise.length + 1, json });
    }
  });

  it("of any length is found", () => {
    for (const length of [2, 255, 256, 257, 65_536, 70_000]) {
      const text = `"${"y".repeat(length - 2)}"`;
      const tail = wire(7, 0, 6, be(length, 4), text);
      expect(findVmDescription(tail)).toEqual({ offset: 2, json: text });
    }
  });

  it("is not found where there is none, a part of one, or something behind it", () => {
    const broken = described.slice();
    broken[20] = 0xff;
    const empty = new Uint8Array();
    for (const tail of [empty, wire(0), wire(0, 6), described.subarray(1), described.subarray(0, -1), broken]) {
      expect(findVmDescription(tail)).toBeUndefined();
    }
    expect(findVmDescription(wire(described, 10))).toBeUndefined();
    expect(findVmDescription(new Uint8Array(100_000))).toBeUndefined();
  });
});

function toHex(segments: Segments): string {
  return segments.flatMap((segment) => Array.from(segment, (byte) => byte.toString(16).padStart(2, "0"))).join("");
}
