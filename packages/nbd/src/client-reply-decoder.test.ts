import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Malformed } from "./client-malformed.ts";
import { OptionDecoder } from "./client-option-decoder.ts";
import { ReplyDecoder } from "./client-reply-decoder.ts";
import type { ReplyFrame } from "./client-reply-frame.ts";
import {
  chunk,
  dataChunk,
  errorChunk,
  holeChunk,
  join,
  simple,
  statusChunk,
  text,
  u16,
  u32,
  u64,
} from "./client-scripted-server.test-kit.ts";

const asked = { flags: 0, command: 0, cookie: 7n, offset: 4096, length: 512, data: new Uint8Array(0) };
const payload = Uint8Array.from({ length: 300 }, (_, i) => i);

const answers = join(
  simple(asked),
  simple({ ...asked, cookie: 2n ** 40n }, 5),
  ...dataChunk(asked, payload, 0),
  ...holeChunk(asked, 5000, 100, 1),
  ...statusChunk(
    asked,
    3,
    [
      [512, 0],
      [1024, 3],
    ],
    1,
  ),
  ...errorChunk(asked, 28, "zu voll", 0),
  ...chunk(asked, 0x8002, 1, u32(5), u16(2), text("hm"), u64(2n ** 63n)),
  ...chunk(asked, 0, 1),
);

const frames = [
  { type: "simple", cookie: 7, error: 0 },
  { type: "simple", cookie: 2 ** 40, error: 5 },
  { type: "data", cookie: 7, last: false, offset: 4096n, length: 300 },
  { type: "landed" },
  { type: "hole", cookie: 7, last: true, offset: 5000n, length: 100 },
  {
    type: "status",
    cookie: 7,
    last: true,
    context: 3,
    runs: [
      { length: 512, flags: 0 },
      { length: 1024, flags: 3 },
    ],
  },
  { type: "error", cookie: 7, last: false, error: 28, message: "zu voll", offset: undefined },
  { type: "error", cookie: 7, last: true, error: 5, message: "hm", offset: 2n ** 63n },
  { type: "none", cookie: 7 },
];

interface Feeding {
  want(): Uint8Array;
  accept(bytes: number): void;
}

/** Gives `stream` to a decoder in reads of the lengths that `lengths` says, and drains it after each. */
function feed(decoder: Feeding, stream: Uint8Array, lengths: (at: number) => number, drain: () => void): void {
  for (let at = 0; at < stream.length;) {
    const want = decoder.want();
    expect(want.length).toBeGreaterThan(0);
    const count = Math.min(want.length, Math.max(1, lengths(at)), stream.length - at);
    want.set(stream.subarray(at, at + count));
    decoder.accept(count);
    at += count;
    drain();
  }
}

function decode(stream: Uint8Array, lengths: (at: number) => number) {
  const decoder = new ReplyDecoder("structured");
  const found: ReplyFrame[] = [];
  const landed: Uint8Array[] = [];
  feed(decoder, stream, lengths, () => {
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      found.push(frame);
      if (frame.type !== "data") continue;
      const into = new Uint8Array(Math.min(frame.length, 2 ** 20)).fill(0xa5);
      landed.push(into);
      decoder.land(into);
    }
  });
  return { found, landed, decoder };
}

describe("ReplyDecoder", () => {
  it("reads the same whatever a read gives", () => {
    for (const step of [1, 2, 7, 16, 20, 64, answers.length]) {
      const { found, landed, decoder } = decode(answers, () => step);
      expect(found).toEqual(frames);
      expect(landed).toEqual([payload]);
      expect(decoder.isBetween).toBe(true);
    }
  });

  it("reads the same at every split into two", () => {
    for (let split = 1; split < answers.length; split++) {
      const { found, landed } = decode(answers, (at) => (at < split ? split - at : answers.length));
      expect(found).toEqual(frames);
      expect(landed).toEqual([payload]);
    }
  });

  it("knows where a stream may end, and where not", () => {
    const ends = new Set<number>();
    for (let end = 1; end <= answers.length; end++) {
      if (decode(answers.subarray(0, end), () => 512).decoder.isBetween) ends.add(end);
    }
    expect([...ends]).toEqual([16, 32, 360, 392, 432, 465, 501, 521]);
  });

  it("lands a simple reply's bytes where it is told, and takes no more", () => {
    const decoder = new ReplyDecoder("simple");
    const into = new Uint8Array(300);
    const found: ReplyFrame[] = [];
    feed(
      decoder,
      join(simple(asked), payload, simple(asked, 5)),
      () => 1000,
      () => {
        for (let frame = decoder.next(); frame; frame = decoder.next()) {
          if (frame.type === "simple" && frame.error === 0) decoder.land(into);
          found.push(frame);
        }
      },
    );
    expect(found.map(({ type }) => type)).toEqual(["simple", "landed", "simple"]);
    expect(into).toEqual(payload);
    expect(() => decoder.land(new Uint8Array(0))).toThrow(TypeError);
  });

  it("lands only what was announced, and waits for it", () => {
    const decoder = new ReplyDecoder("structured");
    feed(
      decoder,
      join(...dataChunk(asked, payload, 1)).subarray(0, 28),
      () => 100,
      () => {
        if (decoder.next()) expect(() => decoder.land(new Uint8Array(299))).toThrow(TypeError);
      },
    );
    expect(() => decoder.want()).toThrow(TypeError);
    decoder.land(new Uint8Array(300));
    expect(decoder.want().length).toBe(300);
  });

  it("takes no structured reply that was not agreed on", () => {
    const decoder = new ReplyDecoder("simple");
    expect(() =>
      feed(
        decoder,
        join(...chunk(asked, 0, 1)),
        () => 100,
        () => decoder.next(),
      ),
    ).toThrow(Malformed);
  });

  it("survives any bytes: it goes on, or says that they are none of NBD", () => {
    const magic = fc.constantFrom(u32(0x668e33ef), u32(0x67446698));
    const kind = fc.constantFrom(0, 1, 2, 5, 0x8001, 0x8002, 0x8005, 9);
    const head = fc
      .tuple(magic, fc.constantFrom(0, 1), kind, fc.nat(40), fc.uint8Array({ maxLength: 60 }))
      .map(([front, flags, type, length, rest]) => join(front, u16(flags), u16(type), u64(7), u32(length), rest));
    const stream = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(head, { maxLength: 6 }).map((all) => join(...all)),
    );
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 50 }), (bytes, step) => {
        try {
          decode(bytes, () => step);
        } catch (error) {
          // What lands is at most a mebibyte here: a longer one is refused by this test, not by the decoder.
          if (error instanceof TypeError && error.message.includes("can land")) return;
          expect(error).toBeInstanceOf(Malformed);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("OptionDecoder", () => {
  const reply = (option: number, kind: number, data: Uint8Array) =>
    join(u64(0x3e889045565a9n), u32(option), u32(kind), u32(data.length), data);
  const handshake = join(
    text("NBDMAGICIHAVEOPT"),
    u16(3),
    reply(8, 1, new Uint8Array(0)),
    reply(7, 3, text("info")),
    reply(7, 0x80000006, text("no such export")),
  );
  const said = [
    { type: "greeting", flags: 3 },
    { type: "reply", option: 8, kind: 1, data: new Uint8Array(0) },
    { type: "reply", option: 7, kind: 3, data: text("info") },
    { type: "reply", option: 7, kind: 0x80000006, data: text("no such export") },
  ];

  it("reads the same at every split", () => {
    for (let split = 1; split <= handshake.length; split++) {
      const decoder = new OptionDecoder();
      const found: unknown[] = [];
      feed(
        decoder,
        handshake,
        (at) => (at < split ? split - at : 1000),
        () => {
          for (let frame = decoder.next(); frame; frame = decoder.next()) found.push(frame);
        },
      );
      expect(found).toEqual(said);
    }
  });

  it.each([
    ["with zeroes", 134],
    ["without zeroes", 10],
  ] as const)("reads the answer to a name %s, and not a byte more", (zeroes, length) => {
    const decoder = new OptionDecoder();
    decoder.expectExport(zeroes);
    expect(decoder.want().length).toBe(length);
    const answer = join(u64(2n ** 40n), u16(1), new Uint8Array(length - 10));
    let frame: unknown;
    feed(
      decoder,
      answer,
      () => 3,
      () => (frame ??= decoder.next()),
    );
    expect(frame).toEqual({ type: "export", size: 2n ** 40n, flags: 1 });
  });

  it("survives any bytes", () => {
    const words = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constant(reply(7, 3, text("x"))));
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(words, { maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        (greets, all, step) => {
          const decoder = new OptionDecoder();
          const stream = join(...(greets ? [text("NBDMAGICIHAVEOPT"), u16(3)] : []), ...all);
          try {
            feed(
              decoder,
              stream,
              () => step,
              () => {
                for (let frame = decoder.next(); frame; frame = decoder.next());
              },
            );
          } catch (error) {
            expect(error).toBeInstanceOf(Malformed);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
