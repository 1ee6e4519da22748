import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Example {
  readonly document: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

const named = (root: string, folder: string): readonly string[] =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);

/** The documents whose examples are run: `ts` blocks by Node.js, `sh` blocks by bash. Other blocks are only read. */
export function documentsOf(root: string): readonly string[] {
  return [
    "README.md",
    ...named(root, "packages").map((folder) => `${folder}/README.md`),
    "apps/cli/README.md",
    ...[...named(root, "docs"), ...named(root, "docs/decisions")].filter((name) => name.endsWith(".md")),
  ];
}

export function examplesOf(root: string, document: string): readonly Example[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```(ts|sh)\n(.*?)^```$/gms)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    code: match[2] ?? "",
  }));
}
