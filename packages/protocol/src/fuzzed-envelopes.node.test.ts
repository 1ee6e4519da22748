import { BLOCK_SIZE, createEnvelopeDecoder, type Decoder, type EnvelopeFrame } from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { feedEnvelope } from "../test/feed-envelope.ts";
import { seeded } from "../test/feed.ts";
import { naiveEnvelope } from "../test/naive-envelope.ts";
import { wholeCapture } from "../test/whole-captures.ts";

const CODES = new Set([
  "bad-magic",
  "bad-name",
  "bad-offset",
  "bad-progress",
  "bad-section",
  "truncated",
  "unknown-flags",
  "unsupported",
]);

describe.each(["none-1disk-zeroblocks", "pc-2disk-zeroblocks"])("the whole capture %s", { timeout: 60_000 }, (name) => {
  const stream = wholeCapture(name);
  const { edges, opaque } = naiveEnvelope(stream);
  const landed = new Uint8Array(BLOCK_SIZE);

  it("damaged in or near a header is refused with a ProtocolError, or still a stream, within its memory", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 500; seed++) {
      const random = seeded(seed);
      const damaged = damage(stream, edges, random);
      const memory = new Set<ArrayBufferLike>();
      const decoder = watched(createEnvelopeDecoder({ keep: seed % 2 === 0 }), memory);
      const { frames, machine, error } = feedEnvelope(
        decoder,
        damaged,
        () => 50_000 + seed,
        () => landed,
      );
      seen.add(error?.code ?? "none");
      expect(error === undefined || CODES.has(error.code)).toBe(true);
      expect(error?.position ?? 0).toBeLessThanOrEqual(damaged.length);
      expect(frames.length).toBeLessThan(damaged.length);
      expect(machine.length).toBeLessThanOrEqual(damaged.length);
      memory.delete(landed.buffer);
      expect([...memory].map((buffer) => buffer.byteLength)).toEqual([32 * 1024]);
    }
    expect(seen.size).toBeGreaterThan(4);
  });

  it("cut anywhere before its opaque rest is truncated, and behind that it may be cut", () => {
    const random = seeded(9);
    const cuts = [...edges.slice(0, 200), ...Array.from({ length: 100 }, () => Math.floor(random() * stream.length))];
    for (const cut of cuts) {
      const { error } = feedEnvelope(
        createEnvelopeDecoder({ keep: true }),
        stream.subarray(0, cut),
        () => 1 << 20,
        () => landed,
      );
      expect(error?.code).toBe(cut < opaque ? "truncated" : undefined);
    }
  });
});

describe("bytes from a stranger behind a header", () => {
  it("only ever throw a ProtocolError", () => {
    const landed = new Uint8Array(BLOCK_SIZE);
    for (let seed = 0; seed < 3000; seed++) {
      const random = seeded(seed);
      const likely = [0, 1, 2, 3, 4, 5, 7, 8, 0x7e, 0x10, 0x22];
      const noise = Uint8Array.from({ length: 300 }, () =>
        random() < 0.7 ? (likely[Math.floor(random() * likely.length)] ?? 0) : Math.floor(random() * 256),
      );
      noise.set([0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3]);
      const { error } = feedEnvelope(
        createEnvelopeDecoder({ keep: true }),
        noise,
        () => 1 + (seed % 40),
        () => landed,
      );
      expect(CODES.has(error?.code ?? "none")).toBe(true);
    }
  });
});

/** A decoder of which it is noted in what memory it wants bytes. */
function watched(decoder: Decoder<EnvelopeFrame>, memory: Set<ArrayBufferLike>): Decoder<EnvelopeFrame> {
  return {
    want: () => {
      const want = decoder.want();
      memory.add(want.buffer);
      return want;
    },
    accept: (bytes) => decoder.accept(bytes),
    next: () => decoder.next(),
    land: (buffer) => decoder.land(buffer),
    end: () => decoder.end(),
  };
}

/** A copy with one fault near a field: a bit that flips, a byte that is lost or comes twice, a byte that is all ones. */
function damage(stream: Uint8Array, edges: readonly number[], random: () => number): Uint8Array {
  // Half of the faults are in the head of the stream: RAM has thousands of words, the rest of the envelope has few.
  const among = random() < 0.5 ? Math.min(60, edges.length) : edges.length;
  const edge = edges[Math.floor(random() * among)] ?? 0;
  const at = Math.min(edge + Math.floor(random() * 10), stream.length - 1);
  const damaged = stream.slice();
  const kind = Math.floor(random() * 4);
  if (kind === 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) return damaged.copyWithin(at, at + 1).subarray(0, -1);
  if (kind === 2) damaged.copyWithin(at + 1, at);
  if (kind === 3) damaged[at] = 0xff;
  return damaged;
}
