import { BLOCK_SIZE, createClassicDecoder } from "@blkmig/protocol";
import { naiveDecode, captured } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { feed, seeded, withoutData, withoutPayloads } from "../test/feed.ts";

describe.each(["none-1disk-zeroblocks", "pc-2disk-zeroblocks"])("the capture %s, damaged", (name) => {
  const stream = captured(name);
  const headers = naiveDecode(stream).frames.map((frame) => frame.position);
  const buffer = new Uint8Array(BLOCK_SIZE);

  it("is judged as the naive codec judges it, wherever a bit flips, a byte is lost or one comes twice", () => {
    for (let seed = 0; seed < 400; seed++) {
      const damaged = damage(stream, headers, seeded(seed));
      const naive = naiveDecode(damaged);
      const { frames, error } = withoutPayloads(
        feed(createClassicDecoder(), damaged, { chunk: () => 64 * 1024 + seed, land: () => buffer }),
      );
      expect(error).toEqual(naive.error);
      expect(withoutData(frames)).toEqual(withoutData(naive.frames));
    }
  }, 60_000);
});

/** A copy with one fault in or near a header, where it matters. */
function damage(stream: Uint8Array, headers: readonly number[], random: () => number): Uint8Array {
  const header = headers[Math.floor(random() * headers.length)] ?? 0;
  const at = Math.min(header + Math.floor(random() * 18), stream.length - 1);
  const damaged = stream.slice();
  const kind = Math.floor(random() * 3);
  if (kind === 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) return damaged.copyWithin(at, at + 1).subarray(0, -1);
  if (kind === 2) damaged.copyWithin(at + 1, at);
  return damaged;
}
