import { expect, it } from "vitest";

import { assertModest } from "./qmp-bounds.ts";
import { QmpMalformed } from "./qmp-malformed.ts";

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

it("takes 1024 levels and no more, of arrays and of objects", () => {
  assertModest(nested(1024));
  assertModest(`[${nested(1023)},${nested(1023)}]`);
  expect(() => assertModest(nested(1025))).toThrow(QmpMalformed);
  expect(() => assertModest('{"a":'.repeat(1025))).toThrow("more than 1024 levels");
});

it("takes half a million arrays and objects and no more", () => {
  assertModest(`[${"[],".repeat(499_998)}{}]`);
  expect(() => assertModest(`[${"[],".repeat(499_999)}{}]`)).toThrow("more than 500000 arrays and objects");
});

it("takes no bracket inside a text for one, whatever is quoted there", () => {
  assertModest(JSON.stringify({ a: "[".repeat(5000), '"[': `\\"${"{".repeat(5000)}`, b: "\\" }));
  expect(() => assertModest(`["\\\\",${nested(1024)}]`)).toThrow(QmpMalformed);
});
