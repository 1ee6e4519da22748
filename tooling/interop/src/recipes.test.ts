import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { qemu } from "./needs.ts";
import { BIN } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const docs = readFileSync(new URL("../../../docs/interop-qemu.md", import.meta.url), "utf8");
const recipes = [...docs.matchAll(/^```bash\n(.*?)^```$/gms)].map((match) => match[1] ?? "");

describe.skipIf(qemu.missing)(`the recipes of docs/interop-qemu.md (${qemu.needs})`, () => {
  it("are there", () => expect(recipes.length).toBeGreaterThanOrEqual(3));

  it.each(recipes)("%#", async (recipe) => {
    const path = temporaryFolder();
    const program = path("bin/blkmig");
    mkdirSync(dirname(program));
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
    chmodSync(program, 0o755);
    const env = { ...process.env, PATH: `${dirname(program)}:${process.env["PATH"] ?? ""}` };
    const run = promisify(execFile)("bash", ["-euo", "pipefail", "-c", recipe], { cwd: path("."), env });
    await expect(run).resolves.toBeDefined();
  });
});
