import { expect, it } from "vitest";

import { QmpLines } from "./qmp-lines.ts";
import { QmpMalformed } from "./qmp-malformed.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** As a reader has it: the same memory again and again, full of what came last. */
function linesOf(wire: Uint8Array, pieces: readonly number[], lines = new QmpLines()): readonly string[] {
  const memory = new Uint8Array(wire.length).fill(0xee);
  const found: string[] = [];
  let at = 0;
  for (const length of pieces) {
    memory.set(wire.subarray(at, at + length));
    found.push(...lines.accept(memory.subarray(0, length)));
    memory.fill(0xee);
    at += length;
  }
  return found;
}

it("gives the same lines wherever the wire is cut, in the middle of a character too", () => {
  const wire = bytesOf('{"a":"ü€😀"}\r\n\r\n{"b":2}\n{"c"');
  const expected = ['{"a":"ü€😀"}', '{"b":2}'];
  for (let first = 0; first <= wire.length; first++) {
    for (let second = first; second <= wire.length; second++) {
      expect(linesOf(wire, [first, second - first, wire.length - second])).toEqual(expected);
    }
  }
  expect(
    linesOf(
      wire,
      Array.from(wire, () => 1),
    ),
  ).toEqual(expected);
});

it("takes a line as long as its limit, and refuses one byte more before it has ended", () => {
  const wire = bytesOf(`{${"x".repeat(9)}`);
  expect(linesOf(bytesOf(`{${"x".repeat(8)}}\n`), [6, 5], new QmpLines(10))).toEqual([`{${"x".repeat(8)}}`]);
  expect(linesOf(wire, [10], new QmpLines(10))).toEqual([]);
  expect(() => linesOf(bytesOf(`{${"x".repeat(10)}`), [10, 1], new QmpLines(10))).toThrow(QmpMalformed);
  expect(() => linesOf(bytesOf(`{}\n{${"x".repeat(10)}`), [14], new QmpLines(10))).toThrow("more than 10 bytes");
});

it("tells by its first byte a peer that speaks something else, and never ends a line", () => {
  expect(() => new QmpLines().accept(bytesOf("NBDMAGICIHAVEOPT"))).toThrow('"NBDMAGICIHAVEOPT"');
  expect(() => new QmpLines().accept(bytesOf("{}\r\nQEMU 7.2 monitor"))).toThrow(QmpMalformed);
});
