import {
  createEnvelopeDecoder,
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeFooter,
  encodeProgress,
  encodeSectionEnd,
  encodeSectionPart,
  encodeSectionStart,
  encodeZeroBlocks,
  type EnvelopeFrame,
  findVmDescription,
  type Segments,
} from "@blkmig/protocol";
import { captured, captures, naiveDecode } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { feedEnvelope, joined } from "../test/feed-envelope.ts";
import { dataOf, sameBytes, seeded, withoutData } from "../test/feed.ts";
import { wholeCapture } from "../test/whole-captures.ts";

const BLOCK_FRAMES = new Set(["block", "zero", "progress", "eos"]);

describe.each(captures)("the whole capture $name", { timeout: 60_000 }, ({ name }) => {
  const stream = wholeCapture(name);
  const naive = naiveDecode(captured(name)).frames;

  it("has the block frames that the naive codec finds", () => {
    for (const keep of [false, true]) {
      const { frames, error } = feedEnvelope(createEnvelopeDecoder({ keep }), stream);
      expect(error).toBeUndefined();
      const found = frames.filter((frame) => BLOCK_FRAMES.has(frame.type));
      expect(withoutPositions(found)).toEqual(withoutPositions(naive));
      expect(found.every((frame, i) => sameBytes(dataOf(frame), dataOf(naive[i])))).toBe(true);
    }
  });

  it("is the same bytes when machine and block sections are put together again", () => {
    const { frames } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    expect(sameBytes(joined(frames.flatMap((frame) => encode(frame))), stream)).toBe(true);
  });

  it("leaves the machine alone, with the block sections cut out", () => {
    const { frames, machine } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    const cut = joined(frames.flatMap((frame) => (frame.type === "machine" ? [] : encode(frame)))).length;
    expect(machine).toHaveLength(stream.length - cut);
    const found = findVmDescription(machine.subarray(-200_000));
    expect(JSON.parse(found?.json ?? "")).toHaveProperty("devices");
  });

  it("is the same in chunks of any size", () => {
    const whole = summary(feedEnvelope(createEnvelopeDecoder({ keep: true }), stream));
    for (let seed = 0; seed < 40; seed++) {
      const random = seeded(seed);
      const most = 2 ** (4 + Math.floor(random() * 18));
      const chunk = (): number => 1 + Math.floor(random() * most);
      expect(summary(feedEnvelope(createEnvelopeDecoder({ keep: true }), stream, chunk))).toEqual(whole);
    }
  });
});

function withoutPositions(frames: readonly object[]): object[] {
  return withoutData(frames).map((frame) => Object.assign({}, frame, { position: 0 }));
}

function summary({ frames, machine, error }: ReturnType<typeof feedEnvelope>): object {
  const seen = frames.filter((frame) => frame.type !== "machine");
  return {
    frames: withoutData(seen),
    machine: machine.length,
    sum: machine.reduce((a, b) => (a * 31 + b) | 0, 0),
    error,
  };
}

/** What a frame stands for on the wire; the captures have footers. Sections that are not "block" come as machine bytes. */
function encode(frame: EnvelopeFrame): Segments {
  if (frame.type === "machine") return [frame.bytes];
  if (frame.type === "eos") return encodeEos();
  if (frame.type === "progress") return encodeProgress(frame.percent);
  if (frame.type === "zero") return encodeZeroBlocks(encodeDeviceName(frame.device), frame.offset, 1);
  if (frame.type === "block") return encodeBlock(encodeDeviceName(frame.device), frame.offset, frame.data);
  if (frame.type === "section" && frame.name === "block") {
    if (frame.kind === "start") return encodeSectionStart(frame);
    return frame.kind === "part" ? encodeSectionPart(frame.id) : encodeSectionEnd(frame.id);
  }
  return frame.type === "section-end" && frame.name === "block" ? encodeFooter(frame.id) : [];
}
