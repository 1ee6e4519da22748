import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, test } from "vitest";

import { root } from "./workspace.ts";

test("docs/architecture.md lists the mutations that pnpm test:mutations makes, each with a test that exists", () => {
  const scripts = readFileSync(join(root, "tooling/scripts/mutations.mjs"), "utf8");
  const made = [...scripts.matchAll(/^ {4}name: "([^"]+)"/gm)].map((match) => match[1]);
  const docs = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const rows = [...docs.matchAll(/^\| ([^|]+?) +\| `([^`]+\.test\.ts)` +\|$/gm)];
  expect(made.length).toBeGreaterThan(12);
  expect(rows.map((row) => row[1])).toEqual(made);
  for (const row of rows) expect(existsSync(join(root, row[2] ?? "")), row[2]).toBe(true);
});

test("each mutation still fits the code: what it breaks stands in its file exactly once", async () => {
  const { mutations } = (await import(pathToFileURL(join(root, "tooling/scripts/mutations.mjs")).href)) as {
    readonly mutations: readonly { readonly name: string; readonly file: string; readonly find: string }[];
  };
  const misfits = mutations.filter(({ file, find }) => readFileSync(join(root, file), "utf8").split(find).length !== 2);
  expect(misfits.map(({ name }) => name)).toEqual([]);
});
