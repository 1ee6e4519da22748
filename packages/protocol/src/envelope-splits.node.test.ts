import { BLOCK_SIZE, createEnvelopeDecoder } from "@blkmig/protocol";
import { captures } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { feedEnvelope, joined } from "../test/feed-envelope.ts";
import { dataOf, sameBytes, seeded, withoutData } from "../test/feed.ts";
import { naiveEnvelope } from "../test/naive-envelope.ts";
import { wholeCapture } from "../test/whole-captures.ts";

/** Further than any item of an envelope is from the next field. */
const NEAR = 10;

describe.each(captures)("the whole capture $name", { timeout: 120_000 }, ({ name }) => {
  const captured = wholeCapture(name);
  const naive = naiveEnvelope(captured);
  const stream = patterned(captured, naive.payloads);
  const landed = new Uint8Array(BLOCK_SIZE);

  it("has the sections that a naive reader finds, and is opaque behind them", () => {
    const { frames } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    const ends = frames.filter((frame) => frame.type === "section-end");
    const starts = frames.filter((frame) => frame.type === "section");
    expect(starts.map(({ kind, id, name: said, position }) => [kind, id, said, position])).toEqual(
      naive.sections.map(({ kind, id, name: said, position }) => [kind, id, said, position]),
    );
    expect(ends).toEqual(
      naive.sections.map(({ kind, id, name: said, bodyEnd, pages }) =>
        Object.assign({ type: "section-end", kind, id, name: said, position: bodyEnd }, pages && { pages }),
      ),
    );
    expect(frames.find((frame) => frame.type === "opaque")?.position).toBe(naive.opaque);
  });

  it("is without its block sections what the machine's bytes are", () => {
    const { frames, machine } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    expect(sameBytes(machine, withoutBlocks(stream))).toBe(true);
    let last = 0;
    for (const frame of frames) {
      // A block comes when it is whole, and says where it began.
      if (frame.type !== "block") expect(frame.position).toBeGreaterThanOrEqual(last);
      last = frame.type === "machine" ? frame.position : last;
    }
  });

  it("is opaque behind END of the block section where the machine is not kept", () => {
    const { frames, machine } = feedEnvelope(createEnvelopeDecoder(), stream);
    const end = naive.sections.find((section) => section.name === "block" && section.kind === "end")?.end;
    expect(frames.at(-1)).toEqual({ type: "opaque", position: end });
    expect(machine).toHaveLength(0);
  });

  it.each([true, false])("is the same stream byte by byte (keep: %s)", (keep) => {
    const whole = text(feedEnvelope(createEnvelopeDecoder({ keep }), stream));
    expect(text(feedEnvelope(createEnvelopeDecoder({ keep }), stream, () => 1))).toEqual(whole);
  });

  it("is the same when it is cut near all fields at once", () => {
    const whole = light(() => stream.length);
    for (let shift = -NEAR; shift <= NEAR; shift++) {
      const cuts = naive.edges.map((edge) => edge + shift);
      let next = 0;
      let at = 0;
      const chunk = (): number => {
        while ((cuts[next] ?? stream.length) <= at) next++;
        const bytes = (cuts[next] ?? stream.length) - at;
        at += bytes;
        return bytes;
      };
      expect(light(chunk)).toEqual(whole);
    }
  });

  it("is the same in 300 random schedules", () => {
    const whole = light(() => stream.length);
    const wrong = Array.from({ length: 300 }, (_, seed) => seed).filter((seed) => {
      const random = seeded(seed);
      const most = 2 ** (9 + Math.floor(random() * 14)); // 512 bytes to 4 MiB
      return light(() => 1 + Math.floor(random() * most)) !== whole;
    });
    expect(wrong).toEqual([]);
  });

  it("is the same without its footers", () => {
    const bare = withoutFooters(stream);
    const { frames, error } = feedEnvelope(createEnvelopeDecoder({ keep: true }), bare);
    const whole = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    expect(error).toBeUndefined();
    expect(frames.filter(({ type }) => type !== "machine").map(({ type }) => type)).toEqual(
      whole.frames.filter(({ type }) => type !== "machine").map(({ type }) => type),
    );
  });

  /** Decodes with one landed buffer, and looks at the machine and at where everything is. */
  function light(chunk: () => number): string {
    const { frames, machine, error } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream, chunk, () => landed);
    const seen = withoutData(frames.filter((frame) => frame.type !== "machine"));
    return JSON.stringify({ seen, same: sameBytes(machine, withoutBlocks(stream)), error });
  }

  function withoutBlocks(bytes: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const section of naive.sections) {
      if (section.name !== "block") continue;
      pieces.push(bytes.subarray(at, section.position));
      at = section.end;
    }
    return joined([...pieces, bytes.subarray(at)]);
  }

  function withoutFooters(bytes: Uint8Array): Uint8Array {
    const starts = naive.sections.map((section, i) => [naive.sections[i - 1]?.end ?? 0, section.bodyEnd] as const);
    return joined([...starts.map(([from, to]) => bytes.subarray(from, to)), bytes.subarray(naive.opaque)]);
  }
});

/** The same stream, with payloads in which no byte can stand for another. */
function patterned(stream: Uint8Array, payloads: readonly number[]): Uint8Array {
  const bytes = stream.slice();
  for (const from of payloads) {
    for (let at = from; at < from + BLOCK_SIZE; at++) bytes[at] = Math.imul(at, 0x9e3779b1) >>> 24;
  }
  return bytes;
}

/** All that came, as numbers that differ where it does; blocks with their bytes. */
function text({ frames, machine, error }: ReturnType<typeof feedEnvelope>): object {
  const seen = frames.filter((frame) => frame.type !== "machine");
  return {
    seen: withoutData(seen),
    data: seen.map((frame) => checksum(dataOf(frame))),
    machine: checksum(machine),
    error,
  };
}

function checksum(bytes: Uint8Array): number {
  let sum = bytes.length;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return sum;
}
