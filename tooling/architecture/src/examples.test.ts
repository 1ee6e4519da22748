import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { documentsOf, type Example, examplesOf } from "./examples-of.ts";
import { root } from "./workspace.ts";

const documents = documentsOf(root);
const examples = documents.flatMap((document) => examplesOf(root, document));
const folder = mkdtempSync(join(tmpdir(), "blkmig-examples-"));
// Beside our own dependencies, so that an example's imports resolve as a user's would.
const programs = join(fileURLToPath(new URL("..", import.meta.url)), "temp");

const typed = examples.filter(({ language }) => language === "ts");
const fileOf = (example: Example): string =>
  join(programs, `${example.document.replaceAll("/", "-")}-${example.line}.ts`);

beforeAll(() => {
  mkdirSync(programs, { recursive: true });
  for (const example of typed) writeFileSync(fileOf(example), example.code);
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
  await promisify(execFile)(process.execPath, [fileOf(example)], { cwd, env });
}

describe("the examples of README and docs", () => {
  test.each(documents.filter((name) => /^(?!docs\/).*README\.md$/.test(name)))("%s has one", (document) => {
    expect(examples.some((example) => example.document === document)).toBe(true);
  });

  test("are typed as strictly as our own code, by the declarations that are published", async () => {
    // Not check.json: by that our packages would be their sources, which nobody gets.
    const config = {
      extends: join(root, "tooling/tsconfig/base.json"),
      compilerOptions: { types: ["node"], lib: ["es2024"], noEmit: true },
      files: typed.map(fileOf),
    };
    writeFileSync(join(programs, "tsconfig.json"), JSON.stringify(config));
    const compiler = join(root, "node_modules/.bin/tsc");
    const check = promisify(execFile)(compiler, ["-p", programs, "--pretty", "false"]);
    await expect(check.catch((error: unknown) => (error as { stdout: string }).stdout)).resolves.toMatchObject({
      stdout: "",
    });
  });

  test.each(examples)("$document:$line runs", async (example) => {
    await expect(run(example, examples.indexOf(example))).resolves.toBeUndefined();
  });
});
