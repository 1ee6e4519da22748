import fc from "fast-check";
import { expect, it } from "vitest";

import { extentsOf } from "./client-extents.ts";

const runs = fc.array(fc.record({ length: fc.integer({ min: 1, max: 9 }), flags: fc.nat(3) }), {
  minLength: 1,
  maxLength: 8,
});

it("says of each byte what the contexts say of it, as far as both reach", () => {
  const maybe = fc.option(runs, { nil: undefined });
  fc.assert(
    fc.property(maybe, maybe, fc.nat(20), fc.nat(10), fc.nat(60), (allocation, depth, offset, skip, length) => {
      const [from, to] = [offset + skip, offset + skip + length];
      const spread = (context: typeof allocation) =>
        context?.flatMap((run) => Array.from({ length: run.length }, () => run.flags)) ??
        Array.from({ length: 200 }, () => undefined);
      const [bases, layers] = [spread(allocation), spread(depth)];
      const end = Math.min(to, offset + bases.length, offset + layers.length);
      const found = extentsOf({ allocation, depth }, offset, from, to);
      let at = from;
      for (const extent of found) {
        expect(extent.offset).toBe(at);
        expect(extent.length).toBeGreaterThan(0);
        for (; at < extent.offset + extent.length; at++) {
          const [base, layer] = [bases[at - offset], layers[at - offset]];
          const zero = base === 2 || base === 3;
          const allocated = layer === undefined ? base !== 1 && base !== 3 : layer === 1;
          expect(extent).toMatchObject({ zero, allocated });
        }
      }
      expect(at).toBe(Math.max(from, end));
    }),
    { numRuns: 2000 },
  );
});
