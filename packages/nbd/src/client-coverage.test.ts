import fc from "fast-check";
import { expect, it } from "vitest";

import { Coverage } from "./client-coverage.ts";

it("knows what is there twice and what is missing, as a set of bytes does", () => {
  const run = fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 12 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
      const coverage = new Coverage();
      const bytes = new Set<number>();
      for (const [from, length] of runs) {
        const inside = Array.from({ length }, (_, i) => from + i);
        const isNew = inside.every((byte) => !bytes.has(byte));
        expect(coverage.add(from, from + length)).toBe(isNew);
        if (!isNew) return; // then the answer is refused, and nobody asks on
        for (const byte of inside) bytes.add(byte);
        const end = Math.max(...bytes) + 1;
        expect(coverage.isWhole(end)).toBe(bytes.size === end);
        expect(coverage.isWhole(end + 1)).toBe(false);
      }
    }),
    { numRuns: 3000 },
  );
});
