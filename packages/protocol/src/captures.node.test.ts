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
import { naiveDecode, type NaiveFrame, captured, captures, sha256 } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { feedSparsely } from "../test/feed-sparsely.ts";
import { dataOf, feed, sameBytes, seeded, withoutData, withoutPayloads } from "../test/feed.ts";

const EDGE = 64;

describe.each(captures)("the capture $name", { timeout: 60_000 }, ({ name, disks, blocks }) => {
  const stream = captured(name);
  const naive = naiveDecode(stream);
  const landed = new Uint8Array(BLOCK_SIZE);
  const striped = patterned(stream, naive.frames);
  const whole = feedSparsely({ stream: striped, chunkEnd: () => stream.length }, landed);

  it("is decoded, and makes the disks that it was made from", () => {
    const { frames, error } = withoutPayloads(feed(createClassicDecoder(), stream));
    expect(error).toBeUndefined();
    expect(frames.filter((frame) => frame.type === "block" || frame.type === "zero")).toHaveLength(blocks);
    const made = new Map(disks.map(([disk, size]) => [disk, new Uint8Array(size).fill(0xee)]));
    for (const frame of frames) apply(frame, made);
    expect([...made].map(([disk, bytes]) => [disk, bytes.length, sha256(bytes)])).toEqual(disks);
  });

  it("ends with PROGRESS 100, which stands only there, and EOS", () => {
    const { frames } = withoutPayloads(feed(createClassicDecoder(), stream));
    expect(frames.slice(-2).map(({ type }) => type)).toEqual(["progress", "eos"]);
    expect(frames.findIndex((frame) => frame.type === "progress" && frame.percent === 100)).toBe(frames.length - 2);
  });

  it("is to the naive codec what it is to ours", () => {
    expect(naive.error).toBeUndefined();
    const { frames } = withoutPayloads(feed(createClassicDecoder(), stream, { chunk: () => 100_000 }));
    expect(withoutData(frames)).toEqual(withoutData(naive.frames));
    expect(frames.every((frame, i) => sameBytes(dataOf(frame), dataOf(naive.frames[i])))).toBe(true);
  });

  it("is the same bytes when its frames are encoded again", () => {
    const { frames } = feed(createClassicDecoder(), stream);
    const again = joined(
      frames.flatMap((frame) => encode(frame)),
      stream.length,
    );
    expect(sha256(again)).toBe(sha256(stream));
  });

  it("is the same stream byte by byte", () => {
    const { frames } = feed(createClassicDecoder(), striped, { chunk: () => 1 });
    const again = joined(
      frames.flatMap((frame) => encode(frame)),
      stream.length,
    );
    expect(sameBytes(again, striped)).toBe(true);
  });

  it("is the same at every split within 64 bytes of each edge of a header and of a payload", () => {
    const edges = naive.frames.flatMap((frame, i) => {
      const end = naive.frames[i + 1]?.position ?? naive.length;
      return frame.type === "block" ? [frame.position, end - BLOCK_SIZE] : [frame.position];
    });
    const splits = new Set([...edges, naive.length].flatMap((edge) => around(edge)));
    // Only the neighbourhood is decoded, from a frame's beginning on: a whole capture each would be minutes.
    const starts = naive.frames.map((frame) => frame.position);
    const wrong = [...splits].filter((at) => {
      if (at <= 0 || at >= naive.length) return false;
      const inside = starts.findLastIndex((start) => start <= at);
      const near = striped.subarray(starts[Math.max(0, inside - 1)], starts[inside + 3] ?? naive.length);
      const split = at - near.byteOffset + striped.byteOffset;
      const one = feedSparsely({ stream: near, chunkEnd: () => near.length }, landed);
      const two = feedSparsely({ stream: near, chunkEnd: (from) => (from < split ? split : near.length) }, landed);
      return one !== two || one.includes("byte");
    });
    expect(splits.size).toBeGreaterThan(500);
    expect(wrong).toEqual([]);
  });

  it("is the same in 1000 random schedules", () => {
    expect(whole).not.toContain("byte");
    const wrong = Array.from({ length: 1000 }, (_, seed) => seed).filter((seed) => {
      const random = seeded(seed);
      const most = 2 ** (10 + Math.floor(random() * 13)); // 1 KiB to 4 MiB
      return (
        feedSparsely({ stream: striped, chunkEnd: (at) => at + 1 + Math.floor(random() * most) }, landed) !== whole
      );
    });
    expect(wrong).toEqual([]);
  });

  it("is refused at its first zero block by generation 1.0, or read by it where there is none", () => {
    const zero = naive.frames.find((frame) => frame.type === "zero");
    const { error } = feed(createClassicDecoder({ generation: "1.0" }), stream);
    expect(error).toEqual(zero && { code: "unknown-flags", position: zero.position });
  });

  it("is truncated wherever it is cut inside a frame", () => {
    const random = seeded(7);
    for (let i = 0; i < 20; i++) {
      const cut = stream.subarray(0, Math.floor(random() * stream.length));
      const expected = naiveDecode(cut);
      const { frames, error } = withoutPayloads(feed(createClassicDecoder(), cut, { land: () => landed }));
      expect(error).toEqual(expected.error);
      expect(frames).toHaveLength(expected.frames.length);
    }
  });
});

/** The bytes within 64 of an edge. */
function around(edge: number): number[] {
  return Array.from({ length: 2 * EDGE + 1 }, (_, i) => edge - EDGE + i);
}

/** The same headers, with payloads in which no byte can stand for another: those captured are 1 MiB of one byte. */
function patterned(stream: Uint8Array, frames: readonly NaiveFrame[]): Uint8Array {
  const bytes = stream.slice();
  for (const frame of frames) {
    const at = dataOf(frame).byteOffset - stream.byteOffset;
    for (let i = 0; i < dataOf(frame).length; i++) bytes[at + i] = Math.imul(at + i, 0x9e3779b1) >>> 24;
  }
  return bytes;
}

function apply(frame: ClassicFrame, disks: ReadonlyMap<string, Uint8Array>): void {
  if (frame.type !== "block" && frame.type !== "zero") return;
  const disk = disks.get(frame.device) ?? new Uint8Array();
  const place = disk.subarray(frame.offset, frame.offset + BLOCK_SIZE);
  if (frame.type === "block") place.set(frame.data.subarray(0, place.length));
  else place.fill(0);
}

function encode(frame: ClassicFrame): Segments {
  if (frame.type === "payload") return [];
  if (frame.type === "eos") return encodeEos();
  if (frame.type === "progress") return encodeProgress(frame.percent);
  const name = encodeDeviceName(frame.device);
  return frame.type === "zero" ? encodeZeroBlocks(name, frame.offset, 1) : encodeBlock(name, frame.offset, frame.data);
}

function joined(segments: Segments, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const segment of segments) {
    bytes.set(segment, at);
    at += segment.length;
  }
  return bytes.subarray(0, at);
}
