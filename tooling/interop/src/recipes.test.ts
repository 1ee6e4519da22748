import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { qemuWithTls } from "./needs.ts";
import { BIN } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const docs = readFileSync(new URL("../../../docs/interop-qemu.md", import.meta.url), "utf8");
const blocks = (text: string): string =>
  [...text.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block]) => block).join("");
/** The blocks of one chapter follow one another, in one folder. */
const recipes = docs
  .split(/^## /m)
  .map((chapter) => ({ title: chapter.split("\n", 1)[0]!, recipe: blocks(chapter) }))
  .filter(({ recipe }) => recipe !== "");

describe.skipIf(qemuWithTls.missing)(`the recipes of docs/interop-qemu.md (${qemuWithTls.needs})`, () => {
  it("are there", () => expect(recipes.length).toBeGreaterThanOrEqual(4));

  it.each(recipes)("$title", async ({ recipe }) => {
    const path = temporaryFolder();
    const program = path("bin/blkmig");
    mkdirSync(dirname(program));
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
    chmodSync(program, 0o755);
    const searched = `${dirname(program)}:${process.env["PATH"] ?? ""}`;
    const env = { ...process.env, PATH: searched, BLKMIG_STATE_DIR: path("state") };
    const run = promisify(execFile)("bash", ["-euo", "pipefail", "-c", recipe], { cwd: path("."), env });
    await expect(run).resolves.toBeDefined();
  });
});
