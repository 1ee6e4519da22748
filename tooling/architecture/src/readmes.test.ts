import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { root } from "./workspace.ts";

/** Every package's README answers the same questions, in the same order. */
const SECTIONS = ["## API", "## Errors", "## Limits", "## Versions"];

describe.each(readdirSync(join(root, "packages")))("packages/%s/README.md", (name) => {
  const readme = readFileSync(join(root, "packages", name, "README.md"), "utf8");
  const report = readFileSync(join(root, "packages", name, "api.md"), "utf8");

  test("says how it is installed, and then shows it at work", () => {
    expect(readme).toContain(`$ npm install @blkmig/${name}\n`);
    expect(readme.indexOf("```ts\n")).toBeGreaterThan(readme.indexOf("$ npm install"));
    expect(readme.indexOf("```ts\n")).toBeLessThan(readme.indexOf("## API"));
  });

  test("has API, errors, limits and versions at its end", () => {
    const headings = [...readme.matchAll(/^## .*$/gm)].map(([heading]) => heading);
    expect(headings.slice(-SECTIONS.length)).toEqual(SECTIONS);
  });

  test("names everything that can be called, and every door", () => {
    const called = [...report.matchAll(/^export (?:function|class|const) (\w+)/gm)].map((match) => match[1] ?? "");
    const doors = [...report.matchAll(/^## (.*)$/gm)].map((match) => match[1] ?? "");
    const missing = [...called, ...doors].filter((word) => !new RegExp(`${word}\\b`).test(readme));
    expect(called.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });
});
