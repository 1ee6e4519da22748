import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { root } from "./workspace.ts";

/** The documents whose examples are run: `ts` blocks by Node.js, `sh` blocks by bash. Other blocks are only read. */
const documents = [
  "README.md",
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
  "apps/cli/README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

interface Example {
  readonly document: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

function examplesOf(document: string): readonly Example[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```(ts|sh)\n(.*?)^```$/gms)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    code: match[2] ?? "",
  }));
}

const examples = documents.flatMap(examplesOf);
const folder = mkdtempSync(join(tmpdir(), "blkmig-examples-"));
// Beside our own dependencies, so that an example's imports resolve as a user's would.
const programs = join(fileURLToPath(new URL("..", import.meta.url)), "temp");

beforeAll(() => {
  mkdirSync(programs, { recursive: true });
  mkdirSync(join(folder, "bin"));
  const program = join(root, "apps/cli/dist/bin.js");
  writeFileSync(join(folder, "bin/blkmig"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(folder, "bin/blkmig"), 0o755);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(programs, { recursive: true });
});

async function run(example: Example, index: number): Promise<void> {
  const cwd = join(folder, String(index));
  mkdirSync(cwd);
  const env = {
    ...process.env,
    PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
    NO_COLOR: "1",
    BLKMIG_STATE_DIR: join(folder, "state"),
  };
  if (example.language === "sh") {
    await promisify(execFile)("bash", ["-euo", "pipefail", "-c", example.code], { cwd, env });
    return;
  }
  const file = join(programs, `example-${index}.ts`);
  writeFileSync(file, example.code);
  await promisify(execFile)(process.execPath, [file], { cwd, env });
}

describe("the examples of README and docs", () => {
  test.each(documents.filter((name) => name.endsWith("README.md")))("%s has one", (document) => {
    expect(examples.some((example) => example.document === document)).toBe(true);
  });

  test.each(examples)("$document:$line runs", async (example) => {
    await expect(run(example, examples.indexOf(example))).resolves.toBeUndefined();
  });
});
