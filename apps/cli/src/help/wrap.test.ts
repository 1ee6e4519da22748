import { expect, it } from "vitest";

import { parseProse } from "./prose.ts";
import { renderProse } from "./render-prose.ts";

const SOURCE = `
Some words that
belong together.
  one    the first of them, which goes on
         in another line
  three  short

Examples:
  blkmig send there \\
    --disk a=b

Exit codes: 0 done.`;

it("a help text is taken apart into text, terms and examples", () => {
  expect(parseProse(SOURCE)).toEqual([
    { kind: "text", text: "Some words that belong together.", apart: false },
    { kind: "term", term: "one", text: "the first of them, which goes on in another line", apart: false },
    { kind: "term", term: "three", text: "short", apart: false },
    { kind: "examples", lines: ["blkmig send there \\", "  --disk a=b"], apart: true },
    { kind: "text", text: "Exit codes: 0 done.", apart: true },
  ]);
});

it("and set in a width again; examples stay as they are typed", () => {
  expect(renderProse(parseProse(SOURCE), 36).split("\n")).toEqual([
    "Some words that belong together.",
    "  one    the first of them, which",
    "         goes on in another line",
    "  three  short",
    "",
    "Examples:",
    "  blkmig send there \\",
    "    --disk a=b",
    "",
    "Exit codes: 0 done.",
  ]);
});

it("where a column would be too narrow the meaning stands below its term", () => {
  expect(renderProse(parseProse("  --option <value>  what it is good for"), 30).split("\n")).toEqual([
    "  --option <value>",
    "      what it is good for",
  ]);
});
