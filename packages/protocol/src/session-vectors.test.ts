import { createSessionDecoder, encodeSessionPreface, type SessionFrame } from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { encodeSession } from "../test/encode-session.ts";
import { joined } from "../test/feed-envelope.ts";
import { type Fed, feed, sameBytes, withoutPayloads } from "../test/feed.ts";
import { naiveSessionDecode, naiveSessionEncode, type NaiveSessionFrame } from "../test/naive-session.ts";
import { fromHex, type Vector, vectorBytes, type VectorFrame, vectors } from "../test/vectors.ts";

const CHUNKS = [1, 7, 4096, 3 * 1024 * 1024];
const PREFACE_BYTES = 8;

const all = [...vectors.values()].filter((vector) => vector.stream === "session");
const behindThePreface = all.filter(({ error }) => error === undefined || error.position >= PREFACE_BYTES);

describe("golden vectors of a session", () => {
  it("are many", () => expect(all.length).toBeGreaterThan(90));

  it.each(all)("$name: is decoded as it says, in chunks of any size", (vector) => {
    const bytes = vectorBytes(vector.bytes);
    for (const chunk of CHUNKS) expect(legible(decode(vector, bytes, chunk))).toEqual(said(vector));
  });

  it.each(behindThePreface)("$name: the naive codec decodes the same of its frames", (vector) => {
    const bytes = vectorBytes(vector.bytes);
    const naive = naiveSessionDecode(
      vector.magic === "taken" ? bytes : bytes.subarray(PREFACE_BYTES),
      undefined,
      vector.dataChecksums,
    );
    if (ofFields(vector)) return expect(naive.error).toBeUndefined();
    expect(naive.error).toEqual(vector.error);
    expect(naive.frames.map((frame) => frame.type)).toEqual(vector.frames.map((frame) => frame.type));
  });

  it.each(all.filter((vector) => !vector.error && !vector.decodeOnly))("$name: is encoded as it says", (vector) => {
    const preface = vector.magic === "taken" ? [] : encodeSessionPreface();
    const encoded = joined([
      ...preface,
      ...vector.frames.flatMap((frame) => encodeSession(item(frame), vector.dataChecksums)),
    ]);
    expect(sameBytes(encoded, vectorBytes(vector.bytes))).toBe(true);
    const naive = joined([
      ...preface,
      ...vector.frames.map((frame) => naiveSessionEncode(item(frame), vector.dataChecksums)),
    ]);
    expect(sameBytes(naive, vectorBytes(vector.bytes))).toBe(true);
  });
});

/** Whether what is refused is a field of a message, which the naive codec does not look at. */
function ofFields({ name }: Vector): boolean {
  return /^refused-session-(attempt|serial|versions|window|disk-name|disk-twice)$/.test(name);
}

function decode(vector: Vector, bytes: Uint8Array, chunk: number): Fed<SessionFrame> {
  const decoder = createSessionDecoder(vector.magic ? { magic: vector.magic } : {});
  if (vector.dataChecksums) decoder.setDataChecksums(vector.dataChecksums);
  const fed = feed(decoder, bytes, { chunk: () => chunk });
  for (const [i, frame] of fed.frames.entries()) {
    if (frame.type !== "data") continue;
    const { disk, offset, length, position } = frame;
    expect(fed.frames[i - 1]).toEqual({ type: "payload", disk, offset, length, position });
  }
  return withoutPayloads(fed);
}

/** The outcome as a vector would write it: bytes in hex, or as one byte and how often it stands there. */
function legible({ frames, error }: Fed<object>): object {
  return { error, frames: frames.map((frame) => ({ ...frame, ...bytesOf(frame) })) };
}

function bytesOf(frame: object): object {
  if ("digest" in frame && frame.digest instanceof Uint8Array) return { digest: hex(frame.digest) };
  if (!("data" in frame && frame.data instanceof Uint8Array)) return {};
  const { data } = frame;
  if (data.length < 16) return { data: { hex: hex(data) } };
  const first = data[0] ?? 0;
  const odd = data.findIndex((byte) => byte !== first);
  return { data: odd === -1 ? { hex: hex(data.subarray(0, 1)), repeat: data.length } : { differsAt: odd } };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function said({ frames, error }: Vector): object {
  return { error, frames };
}

function item(frame: VectorFrame): NaiveSessionFrame {
  const { data, digest } = frame;
  return {
    ...frame,
    ...(data ? { data: vectorBytes([data]) } : {}),
    ...(digest === undefined ? {} : { digest: digest === "zero" ? "zero" : fromHex(digest) }),
  } as NaiveSessionFrame;
}
