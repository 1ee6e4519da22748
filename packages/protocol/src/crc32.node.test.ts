import { crc32, createSessionDecoder, encodeData } from "@blkmig/protocol";
import { expect, it } from "vitest";

import { joined } from "../test/feed-envelope.ts";
import { feed, sameBytes, seeded } from "../test/feed.ts";
import { nodeCrc32 } from "../test/node-crc32.ts";

const random = seeded(32);
const bytes = Uint8Array.from({ length: 1_000_003 }, () => random() * 256);

it("the pure CRC-32 is that of node:zlib, with and without a seed", () => {
  expect(crc32(bytes)).toBe(nodeCrc32(bytes));
  expect(crc32(bytes, 0x89ab_cdef)).toBe(nodeCrc32(bytes, 0x89ab_cdef));
});

it("either end may use either of the two", () => {
  const extent = { disk: 0, offset: 7, length: bytes.length };
  for (const [ours, theirs] of [
    [crc32, nodeCrc32],
    [nodeCrc32, crc32],
  ] as const) {
    const decoder = createSessionDecoder({ magic: "taken", crc32: theirs });
    const { frames, error } = feed(decoder, joined(encodeData(extent, bytes, ours)));
    expect(error).toBeUndefined();
    expect(frames[1]?.type === "data" && sameBytes(frames[1].data, bytes)).toBe(true);
  }
});
