import { createVmDescriptionTail, encodeEof, encodeVmDescription } from "@blkmig/protocol";
import { describe, expect, it } from "vitest";

import { joined } from "../test/feed-envelope.ts";
import { sameBytes, seeded } from "../test/feed.ts";

const MIB = 1024 * 1024;
const MOST = 4 * MIB;
const JSON_TEXT = `{"é":"${"x".repeat(5000)}"}`;
const CHUNKS = [1, 7, 4093, 65_536, MIB - 1, MIB, MIB + 1, MOST, MOST + 1, 16 * MIB];

/** A machine's state without a pattern that bytes in the wrong place could hide in, and its description, at the offset. */
function machineOf(bytes: number): { stream: Uint8Array; offset: number } {
  const random = seeded(bytes);
  const devices = Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
  return { stream: joined([devices, ...encodeEof(), ...encodeVmDescription(JSON_TEXT)]), offset: bytes + 1 };
}

const short = machineOf(20_000);
const long = machineOf(6 * MIB);

describe("the tail of a machine's state", () => {
  it.each(CHUNKS)("is its last 4 MiB, and the description is found, in chunks of %d", (chunk) => {
    const { stream, offset } = chunk < 4093 ? short : long;
    const tail = createVmDescriptionTail();
    for (let at = 0; at < stream.length; at += chunk) {
      const borrowed = stream.slice(at, at + chunk);
      tail.add(borrowed);
      borrowed.fill(0xff);
      const come = Math.min(at + chunk, stream.length);
      expect(tail.seen).toBe(come);
      if (stream === long.stream && chunk < MIB - 1 && come < stream.length) continue; // many comparisons of 4 MiB
      expect(sameBytes(tail.bytes(), stream.subarray(Math.max(0, come - MOST), come))).toBe(true);
    }
    expect(tail.find()).toEqual({ offset, json: JSON_TEXT });
  });

  it("has no description before its end, none behind it, and none of more than 4 MiB", () => {
    const tail = createVmDescriptionTail();
    expect(tail).toMatchObject({ seen: 0 });
    expect(tail.bytes()).toHaveLength(0);
    expect(tail.find()).toBeUndefined();
    const { stream, offset } = machineOf(2);
    tail.add(stream.subarray(0, -1));
    expect(tail.find()).toBeUndefined();
    tail.add(stream.subarray(-1));
    tail.add(new Uint8Array());
    expect(tail.find()).toEqual({ offset, json: JSON_TEXT });
    tail.add(Uint8Array.of(0x7d));
    expect(tail.find()).toBeUndefined();
    for (const piece of encodeVmDescription(`{"x":"${"x".repeat(MOST)}"}`)) tail.add(piece);
    expect(tail.find()).toBeUndefined();
    expect(tail.bytes()).toHaveLength(MOST);
  });
});
