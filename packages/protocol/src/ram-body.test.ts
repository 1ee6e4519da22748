import { createEnvelopeDecoder, type EnvelopeFrame } from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { end, eos, footer, header, named, part, ramEos, start, u16, u32, wire } from "../test/envelope-bytes.ts";
import { feedEnvelope } from "../test/feed-envelope.ts";
import { naiveEnvelope } from "../test/naive-envelope.ts";

const page = new Uint8Array(4096).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
const pcRam = named("pc.ram");

/** Every kind of page with a name and without, each list of memory that ends where its sum does. */
const body = wire(
  0x5004n, // MEM_SIZE: 0x5000 bytes
  wire(named("pc.ram"), 0x3000n, named("vga.vram"), 0x1000n, named("x".repeat(255)), 0n, named(""), 0x1000n),
  wire(0x02n, pcRam, 0),
  wire(0x1022n, 0xff),
  wire(0x08n, named("vga.vram"), page),
  wire(0x2028n, page),
  wire(0x40n, pcRam, 1, u16(3), [0x10, 0x10, 0x10]),
  wire(0x1060n, 1, u16(4096), page),
  wire(0x1060n, 1, u16(0)),
  wire(0x100n, named("y".repeat(255)), u32(5), [0x7e, 0x02, 0x03, 0x7e, 0x7e]),
  wire(0x120n, u32(8192), page, page),
  wire(0xffff_ffff_ffff_f022n, 0x7e),
  0x04n, // MEM_SIZE of nothing
);
const pages = { zero: 3, plain: 2, xbzrle: 3, compressed: 2 };

const blockStart = wire(start(2, "block", 1), eos, footer(2));
const blockEnd = wire(end(2), eos, footer(2));
const ramStart = wire(start(3, "ram", 4), body, ramEos, footer(3));
const ramPart = wire(part(3), body, body, ramEos, footer(3));
const ramEnd = wire(end(3), ramEos);
const rest = wire(4, u32(5), named("timer"), [1, 2, 3], 0);
const stream = wire(header, blockStart, ramStart, ramPart, blockEnd, ramEnd, rest);

function ends(frames: readonly EnvelopeFrame[]): (readonly [string, object | undefined])[] {
  return frames.flatMap((frame) => (frame.type === "section-end" ? [[frame.kind, frame.pages] as const] : []));
}

describe("a ram section", () => {
  it.each([1, 2, 3, 7, 8, 9, 64, 4095, 4096, 4097, 40_000])(
    "is passed over and counted, %i bytes at a time",
    (size) => {
      const { frames, machine, error } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream, () => size);
      expect(error).toBeUndefined();
      expect(ends(frames)).toEqual([
        ["start", undefined],
        ["start", pages],
        ["part", { zero: 6, plain: 4, xbzrle: 6, compressed: 4 }],
        ["end", undefined],
        ["end", { zero: 0, plain: 0, xbzrle: 0, compressed: 0 }],
      ]);
      expect(machine).toEqual(wire(header, ramStart, ramPart, ramEnd, rest));
    },
  );

  it("is read by the naive reader in the same way", () => {
    const naive = naiveEnvelope(stream);
    const { frames } = feedEnvelope(createEnvelopeDecoder({ keep: true }), stream);
    expect(ends(frames)).toEqual(naive.sections.map((section) => [section.kind, section.pages]));
    expect(naive.opaque).toBe(stream.length - rest.length);
  });

  it("is opaque, whatever it holds, behind the block section where the machine is not kept", () => {
    const broken = wire(header, blockStart, ramStart, blockEnd, [0x33, 0x33]);
    const { frames, error } = feedEnvelope(createEnvelopeDecoder(), broken);
    expect(error).toBeUndefined();
    expect(frames.at(-1)).toEqual({ type: "opaque", position: broken.length - 2 });
    expect(feedEnvelope(createEnvelopeDecoder({ keep: true }), broken).error).toEqual({
      code: "bad-section",
      position: broken.length - 2,
    });
  });

  it("is handed out as views of the scratch, never copied", () => {
    const decoder = createEnvelopeDecoder({ keep: true });
    const scratch = decoder.want().buffer;
    const views: ArrayBufferLike[] = [];
    for (let at = 0; at < stream.length;) {
      const want = decoder.want();
      const bytes = Math.min(want.length, stream.length - at);
      want.set(stream.subarray(at, at + bytes));
      decoder.accept(bytes);
      at += bytes;
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        if (frame.type === "machine") views.push(frame.bytes.buffer);
      }
    }
    decoder.end();
    expect(views.length).toBeGreaterThan(1);
    expect(new Set(views)).toEqual(new Set([scratch]));
  });

  it("may be the only section beside a block section that comes all at once", () => {
    const whole = wire(
      header,
      start(3, "ram", 4),
      ramEos,
      4,
      u32(2),
      named("block"),
      u32(0),
      u32(1),
      eos,
      end(3),
      ramEos,
    );
    const { frames } = feedEnvelope(createEnvelopeDecoder({ keep: true }), whole);
    expect(ends(frames).map(([kind]) => kind)).toEqual(["start", "full", "end"]);
  });
});
