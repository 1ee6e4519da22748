import {
  BLOCK_SIZE,
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeProgress,
  encodeShut,
  encodeZeroBlocks,
  segmentsLength,
} from "@blkmig/protocol";
import { naiveDecode, naiveEncode } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

const vda = encodeDeviceName("vda");
const data = new Uint8Array(BLOCK_SIZE).fill(0x77);
const LAST_OFFSET = 2 ** 53 - 2 * BLOCK_SIZE;
const BAD_OFFSETS = [-1, -BLOCK_SIZE, 1, 512, 0.5, Number.NaN, Infinity, 2 ** 53 - BLOCK_SIZE, 2 ** 53, 2 ** 60];

describe("a device name", () => {
  it("is its UTF-8, byte order mark included", () => {
    expect([...encodeDeviceName("\u{feff}ä")]).toEqual([0xef, 0xbb, 0xbf, 0xc3, 0xa4]);
  });

  it("may have 255 bytes, not 256, however few characters they are", () => {
    expect(encodeDeviceName("x".repeat(255))).toHaveLength(255);
    expect(() => encodeDeviceName("x".repeat(256))).toThrow(RangeError);
    expect(encodeDeviceName("ä".repeat(127))).toHaveLength(254);
    expect(() => encodeDeviceName("ä".repeat(128))).toThrow("must be 1 to 255 bytes of UTF-8, not 256");
  });

  it("is not empty", () => {
    expect(() => encodeDeviceName("")).toThrow(RangeError);
  });

  it("has no lone surrogate, which would silently become another name", () => {
    for (const name of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
      expect(() => encodeDeviceName(name)).toThrow(/^device name .* has a lone surrogate/u);
    }
    expect(encodeDeviceName("\ud83d\udcbe")).toHaveLength(4);
  });
});

describe("a block", () => {
  it("is a header and the caller's own memory, not a copy", () => {
    const segments = encodeBlock(vda, 0, data);
    expect(segments).toHaveLength(2);
    expect(segments[1]).toBe(data);
    expect(segmentsLength(segments)).toBe(8 + 1 + 3 + BLOCK_SIZE);
  });

  it("has exactly 1 MiB", () => {
    for (const length of [0, 1536, BLOCK_SIZE - 1, BLOCK_SIZE + 1]) {
      expect(() => encodeBlock(vda, 0, new Uint8Array(length))).toThrow(RangeError);
    }
  });

  it("begins at a multiple of 1 MiB and ends within 2^53 - 1 bytes", () => {
    for (const offset of BAD_OFFSETS) expect(() => encodeBlock(vda, offset, data)).toThrow(RangeError);
    expect(() => encodeBlock(vda, LAST_OFFSET, data)).not.toThrow();
  });

  it("has a name that one byte can tell the length of", () => {
    for (const length of [0, 256]) expect(() => encodeBlock(new Uint8Array(length), 0, data)).toThrow(RangeError);
  });
});

describe("zero blocks", () => {
  it.each([1, 2, 3, 7, 1000, 5000])("are %d neighbouring frames in one buffer, across 4 GiB too", (count) => {
    const first = 4093 * BLOCK_SIZE;
    const segments = encodeZeroBlocks(vda, first, count);
    expect(segments).toHaveLength(1);
    const blocks = Array.from({ length: count }, (_, i) => first + i * BLOCK_SIZE);
    expect(segments[0]).toEqual(naiveEncode(blocks.map((offset) => ({ type: "zero", device: "vda", offset }))));
  });

  it("are three million for 3 TiB, and each is there", () => {
    const [frames = new Uint8Array()] = encodeZeroBlocks(vda, 0, 3 * 1024 * 1024);
    expect(frames).toHaveLength(12 * 3 * 1024 * 1024);
    const last = naiveDecode(frames.subarray(-24)).frames;
    expect(last.map((frame) => "offset" in frame && frame.offset / BLOCK_SIZE)).toEqual([3145726, 3145727]);
  });

  it("are at least one, a whole number of them, and end within 2^53 - 1 bytes", () => {
    for (const count of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 40]) {
      expect(() => encodeZeroBlocks(vda, 0, count)).toThrow(RangeError);
    }
    for (const offset of BAD_OFFSETS) expect(() => encodeZeroBlocks(vda, offset, 1)).toThrow(RangeError);
    expect(() => encodeZeroBlocks(vda, LAST_OFFSET, 2)).toThrow(RangeError);
    expect(() => encodeZeroBlocks(new Uint8Array(256), 0, 1)).toThrow(RangeError);
  });
});

describe("progress, end and SHUT", () => {
  it("say every percentage from 0 to 100, and no other", () => {
    for (let percent = 0; percent <= 100; percent++) {
      expect(encodeProgress(percent)).toEqual([naiveEncode([{ type: "progress", percent }])]);
    }
    for (const percent of [-1, 101, 0.5, Number.NaN]) expect(() => encodeProgress(percent)).toThrow(RangeError);
  });

  it("say a SHUT of 32 bits, and no other", () => {
    for (const value of [-1, 2 ** 32, 0.5, Number.NaN]) expect(() => encodeShut(value)).toThrow(RangeError);
  });

  it("are fresh memory each time, since a wire may take it away", () => {
    expect(encodeEos()[0]).not.toBe(encodeEos()[0]);
    expect(encodeProgress(1)[0]?.buffer).not.toBe(encodeProgress(1)[0]?.buffer);
  });
});
