import fc from "fast-check";
import { expect, it } from "vitest";

import { PAGE_GRANULES } from "./dirty-page.ts";
import { countOf, countPages, fillTree, reachOf, seekTree, type DirtyTree } from "./dirty-tree.ts";

it("says what an array of booleans says, over pages and branches", () => {
  const granules = PAGE_GRANULES * 70 + 77;
  const reach = reachOf(granules);
  // Near the borders of pages, where a granule more or less matters.
  const border = fc.tuple(fc.integer({ min: 0, max: 71 }), fc.integer({ min: -40, max: 40 }));
  const index = border.map(([page, by]) => Math.min(Math.max(page * PAGE_GRANULES + by, 0), granules));
  const fill = fc.record({ a: index, b: index, marked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fill, { maxLength: 12 }), fc.array(index, { maxLength: 8 }), (fills, seeks) => {
      const model = new Uint8Array(granules);
      let tree: DirtyTree = "clear";
      for (const { a, b, marked } of fills) {
        tree = fillTree(tree, reach, Math.min(a, b), Math.max(a, b), marked);
        model.fill(marked ? 1 : 0, Math.min(a, b), Math.max(a, b));
      }
      expect(countOf(tree, reach)).toBe(model.reduce((sum, bit) => sum + bit, 0));
      for (const from of seeks) {
        for (const marked of [true, false]) {
          const found = model.indexOf(marked ? 1 : 0, from);
          expect(seekTree(tree, reach, from, marked)).toBe(found === -1 ? granules : found);
        }
      }
    }),
    { numRuns: 100 },
  );
});

it("holds a page only where some granules are marked and some are not", () => {
  const reach = reachOf(6 * 2 ** 30);
  let tree: DirtyTree = fillTree("clear", reach, 0, reach.granules, true);
  expect(countPages(tree)).toBe(0);
  // Two pages for the two ends, none for the gibigranules between them.
  tree = fillTree(tree, reach, 2 ** 30 + 5, 2 ** 31 + 5, false);
  expect(countPages(tree)).toBe(2);
  tree = fillTree(tree, reach, 2 ** 30 + 5, 2 ** 31 + 5, true);
  expect(tree).toBe("full");
});
