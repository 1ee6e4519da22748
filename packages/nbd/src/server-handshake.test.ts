import fc from "fast-check";
import { expect, test } from "vitest";

import { infoData } from "./nbd-server.test-kit.ts";
import { createHandshakeDecoder, type HandshakeFrame } from "./server-handshake.ts";
import { parseOption } from "./server-options.ts";

function encodeOption(option: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 0x49484156454f5054n);
  view.setUint32(8, option);
  view.setUint32(12, data.length);
  bytes.set(data, 16);
  return bytes;
}

function decode(stream: Uint8Array, size: number): HandshakeFrame[] {
  const decoder = createHandshakeDecoder("peer");
  const frames: HandshakeFrame[] = [];
  for (let at = 0; at < stream.length;) {
    const into = decoder.want();
    const count = Math.min(size, into.length, stream.length - at);
    into.set(stream.subarray(at, at + count));
    at += count;
    decoder.accept(count);
    for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame);
  }
  return frames;
}

const GO = infoData("disk", [3, 1]);
const STREAM = Buffer.concat([
  Uint8Array.of(0, 0, 0, 3),
  encodeOption(8, new Uint8Array(0)),
  encodeOption(99, new Uint8Array(70_000)),
  encodeOption(7, GO),
]);

test("options are the same however the wire splits them, and one that is too long is passed over", () => {
  for (const size of [1, 2, 15, 16, 17, 1000, 100_000]) {
    expect(decode(STREAM, size)).toEqual([
      { type: "flags", flags: 3 },
      { type: "option", option: 8, data: new Uint8Array(0) },
      { type: "oversized", option: 99, length: 70_000 },
      { type: "option", option: 7, data: GO },
    ]);
  }
});

test("not a byte is wanted that belongs to what comes after an option", () => {
  const decoder = createHandshakeDecoder("peer");
  const sizes: number[] = [];
  for (const item of [4, 16, 16]) {
    sizes.push(decoder.want().length);
    decoder.want().set(STREAM.subarray(item === 4 ? 0 : 4, item === 4 ? 4 : 20));
    decoder.accept(item);
    decoder.next();
  }
  expect(sizes).toEqual([4, 16, 16]);
});

test("an option of gigabytes, and what is no option, are errors", () => {
  const huge = encodeOption(7, new Uint8Array(0));
  new DataView(huge.buffer).setUint32(12, 0xffffffff);
  expect(() => decode(Buffer.concat([Uint8Array.of(0, 0, 0, 3), huge]), 5)).toThrow(/which nobody needs/u);
  expect(() => decode(new Uint8Array(40), 40)).toThrow(/must begin is none/u);
});

test("random data of any option is understood or refused, and never throws", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 64 }), (option, data) => {
      const said = parseOption(option, data);
      if (said.type === "bad") expect(said.reply).toBeGreaterThan(0x80000000);
    }),
  );
});
