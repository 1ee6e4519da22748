import {
  type ClassicFrame,
  createClassicDecoder,
  createReturnPathDecoder,
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeProgress,
  encodeShut,
  encodeZeroBlocks,
  type ReturnMessage,
  type Segments,
} from "@blkmig/protocol";
import { naiveDecode, naiveEncode, type NaiveItem } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { type Fed, feed, sameBytes, withoutPayloads } from "../test/feed.ts";
import { type Vector, type VectorBytes, vectorBytes, type VectorFrame, vectors, wireFormat } from "../test/vectors.ts";

type Frame = ClassicFrame | ReturnMessage;

const CHUNKS = [1, 7, 4096, 3 * 1024 * 1024];

const everything = [...vectors.values()];
// How a session's are decoded and encoded stands in session-vectors.test.ts.
const all = everything.filter((vector) => vector.stream !== "session");
const classic = all.filter((vector) => vector.stream === "classic");

describe("golden vectors", () => {
  it("are many, and each is named as its file", () => {
    expect(vectors.size).toBeGreaterThan(140);
    for (const [file, vector] of vectors) expect(vector.name).toBe(file);
  });

  it.each(all)("$name: is decoded as it says, in chunks of any size", (vector) => {
    const bytes = vectorBytes(vector.bytes);
    for (const chunk of CHUNKS) expect(legible(decode(vector, bytes, chunk))).toEqual(said(vector));
  });

  it.each(classic)("$name: the naive codec decodes the same", (vector) => {
    expect(legible(naiveDecode(vectorBytes(vector.bytes), vector.generation))).toEqual(said(vector));
  });

  it.each(all.filter((vector) => !vector.error && !vector.decodeOnly))("$name: is encoded as it says", (vector) => {
    const encoded = joined(vector.frames.flatMap((frame) => encode(frame)));
    expect(sameBytes(encoded, vectorBytes(vector.bytes))).toBe(true);
  });

  it.each(classic.filter((vector) => !vector.error))("$name: the naive codec encodes the same", (vector) => {
    expect(sameBytes(naiveEncode(vector.frames.map((frame) => item(frame))), vectorBytes(vector.bytes))).toBe(true);
  });

  it.each(everything)("$name: stands in docs/wire-format.md", (vector) => {
    const line = wireFormat.split("\n").find((text) => text.startsWith(`| \`${vector.name}\` `)) ?? "";
    const cells = line.split("|").map((text) => text.trim());
    expect(cells[2]).toBe(vector.bytes.map((piece) => cell(piece)).join(" "));
    expect(cells[3]).toContain(vector.error ? `\`${vector.error.code}\` at byte ${vector.error.position}` : "");
    expect(cells[4]).toBe(vector.description);
  });
});

function cell({ hex, repeat, text }: VectorBytes): string {
  if (text !== undefined) return `\`${text}\``;
  return repeat === undefined ? `\`${hex}\`` : `\`${hex}\` × ${repeat}`;
}

function decode(vector: Vector, bytes: Uint8Array, chunk: number): Fed<Frame> {
  const options = { chunk: () => chunk };
  if (vector.stream === "return-path") return feed(createReturnPathDecoder(), bytes, options);
  const generation = vector.generation;
  const fed = feed(createClassicDecoder(generation === undefined ? {} : { generation }), bytes, options);
  expectPayloadBefore(fed.frames);
  return withoutPayloads(fed);
}

function expectPayloadBefore(frames: ClassicFrame[]): void {
  for (const [i, frame] of frames.entries()) {
    if (frame.type !== "block") continue;
    const { device, offset, position } = frame;
    expect(frames[i - 1]).toEqual({ type: "payload", device, offset, position });
  }
}

/** The outcome as a vector would write it: a block's data as one byte and how often it stands there. */
function legible({ frames, error }: { frames: readonly object[]; error?: object }): object {
  return {
    error,
    frames: frames.map((frame) =>
      "data" in frame && frame.data instanceof Uint8Array ? { ...frame, data: row(frame.data) } : frame,
    ),
  };
}

function said({ frames, error }: Vector): object {
  return { error, frames };
}

function row(data: Uint8Array): object {
  const first = data[0] ?? 0;
  const odd = data.findIndex((byte) => byte !== first);
  return odd === -1 ? { hex: first.toString(16).padStart(2, "0"), repeat: data.length } : { differsAt: odd };
}

function item(frame: VectorFrame): NaiveItem {
  return { ...frame, ...(frame.data ? { data: vectorBytes([frame.data]) } : {}) } as NaiveItem;
}

function encode({ type, device = "", offset = 0, percent = 0, value = 0, data }: VectorFrame): Segments {
  if (type === "eos") return encodeEos();
  if (type === "progress") return encodeProgress(percent);
  if (type === "shut") return encodeShut(value);
  if (type === "zero") return encodeZeroBlocks(encodeDeviceName(device), offset, 1);
  return encodeBlock(encodeDeviceName(device), offset, vectorBytes(data ? [data] : []));
}

function joined(segments: Segments): Uint8Array {
  return Uint8Array.from(segments.flatMap((segment) => [...segment]));
}
