import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { qemu, qemuWithNbd, qemuWithTls } from "./needs.ts";
import { BIN } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

interface Recipe {
  readonly title: string;
  readonly recipe: string;
}

const blocks = (text: string): string =>
  [...text.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block]) => block).join("");

/** The blocks of one chapter follow one another, in one folder. */
const recipesOf = (document: string): readonly Recipe[] =>
  readFileSync(new URL(`../../../docs/${document}`, import.meta.url), "utf8")
    .split(/^## /m)
    .map((chapter) => ({ title: chapter.split("\n", 1)[0]!, recipe: blocks(chapter) }))
    .filter(({ recipe }) => recipe !== "");

/** Gives the exit code, and what was said. What it leaves running ends with the test: a server that nobody has stopped, above all. */
async function follow(recipe: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const path = temporaryFolder();
  const program = path("bin/blkmig");
  mkdirSync(dirname(program));
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  chmodSync(program, 0o755);
  const searched = `${dirname(program)}:${process.env["PATH"] ?? ""}`;
  const env = { ...process.env, PATH: searched, NO_COLOR: "1", BLKMIG_STATE_DIR: path("state") };
  // A group of its own, which can be ended as one.
  const bash = spawn("bash", ["-euo", "pipefail", "-c", recipe], { cwd: path("."), env, detached: true });
  bash.stdin.end();
  onTestFinished(() => killGroup(bash.pid!));
  let said = "";
  for (const stream of [bash.stdout, bash.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  const [code] = (await once(bash, "exit")) as [number | null];
  return { code, said };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // all have ended
  }
}

describe.skipIf(qemuWithTls.missing)(`the recipes of docs/interop-qemu.md (${qemuWithTls.needs})`, () => {
  const recipes = recipesOf("interop-qemu.md");
  it("are there", () => expect(recipes.length).toBeGreaterThanOrEqual(4));
  it.each(recipes)("$title", async ({ recipe }) => expect(await follow(recipe)).toMatchObject({ code: 0 }));
});

describe.skipIf(qemuWithNbd.missing)(`the recipes of docs/live-disks.md (${qemuWithNbd.needs})`, () => {
  const recipes = recipesOf("live-disks.md");
  it("are there", () => expect(recipes.length).toBeGreaterThanOrEqual(7));
  it.each(recipes)("$title", async ({ recipe }) => expect(await follow(recipe)).toMatchObject({ code: 0 }));
});

describe.skipIf(qemu.missing)(`the recipes of docs/move-a-running-vm.md (${qemu.needs})`, () => {
  const recipes = recipesOf("move-a-running-vm.md");
  it("are there", () => expect(recipes.length).toBeGreaterThanOrEqual(3));
  it.each(recipes)("$title", async ({ recipe }) => expect(await follow(recipe)).toMatchObject({ code: 0 }));
});
