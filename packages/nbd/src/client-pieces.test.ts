import fc from "fast-check";
import { expect, it } from "vitest";

import { piecesOf, segmentsOf } from "./client-pieces.ts";

it("cuts segments as pieces are cut, without a copy and without empty ones", () => {
  const lengths = fc.array(fc.nat(9), { maxLength: 12 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 20 }), (all, most) => {
      const whole = Uint8Array.from({ length: all.reduce((sum, length) => sum + length, 0) }, (_, i) => i);
      let at = 0;
      const data = all.map((length) => whole.subarray(at, (at += length)));
      const pieces = piecesOf(5, whole.length, most);
      const cut = segmentsOf(data, pieces);
      expect(cut.map((segments) => segments.flatMap((segment) => [...segment]))).toEqual(
        pieces.map(({ offset, length }) => [...whole.subarray(offset - 5, offset - 5 + length)]),
      );
      expect(cut.flat().every((segment) => segment.buffer === whole.buffer && segment.length > 0)).toBe(true);
      expect(pieces.every(({ length }) => length > 0 && length <= most)).toBe(true);
    }),
  );
});
