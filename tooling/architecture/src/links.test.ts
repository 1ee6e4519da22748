import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { documentsOf } from "./examples-of.ts";
import { root } from "./workspace.ts";

const documents = [...documentsOf(root), "CONTRIBUTING.md"];

/** The files that a document links to, from the root. */
function filesLinkedBy(document: string): readonly string[] {
  const text = readFileSync(join(root, document), "utf8");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  const files = links.filter((link) => !/^(#|[a-z]+:)/.test(link)).map((link) => link.replace(/#.*/, ""));
  return files.map((file) => join(dirname(document), file));
}

test.each(documents)("%s links to what is there", (document) => {
  expect(filesLinkedBy(document).filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test.each(["docs", "docs/decisions"])("%s/README.md lists every page of its folder", (folder) => {
  const pages = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md") && name !== "README.md");
  const listed = filesLinkedBy(`${folder}/README.md`);
  expect(pages.length).toBeGreaterThan(5);
  expect(pages.filter((page) => !listed.includes(`${folder}/${page}`))).toEqual([]);
});
