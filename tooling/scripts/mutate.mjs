// Breaks each law on purpose, in a copy of the tree, and says whether the tests notice: `pnpm test:mutations [NAME]`.
// The list is docs/architecture.md's; a change of the code that a mutation no longer fits fails here too.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { mutations } from "./mutations.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "blkmig-mutants-"));
const chosen = process.argv[2] ? mutations.filter(({ name }) => name.includes(process.argv[2])) : mutations;

function testsPass(workspace, tests) {
  try {
    const vitest = join(root, workspace, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", ...tests, "--reporter=dot"];
    const env = { ...process.env, BLKMIG_SEEDS: "60" };
    execFileSync(process.execPath, args, { cwd: join(copy, workspace), env, stdio: "ignore", timeout: 240_000 });
    return true;
  } catch {
    return false;
  }
}

let survivors = 0;
try {
  for (const folder of ["packages", "apps", "tooling"]) {
    cpSync(join(root, folder), join(copy, folder), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const { name, file, find, replace, workspace, tests } of chosen) {
    const path = join(copy, file);
    const source = readFileSync(path, "utf8");
    if (source.split(find).length !== 2) throw new Error(`${name}: ${file} no longer has that line exactly once`);
    if (!testsPass(workspace, tests)) throw new Error(`${name}: ${workspace} fails without the mutation`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const killed = !testsPass(workspace, tests);
    writeFileSync(path, source);
    console.log(`${killed ? "caught" : "SURVIVED"}: ${name} (${workspace}: ${tests.join(", ")})`);
    if (!killed) survivors++;
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(`${chosen.length - survivors} of ${chosen.length} mutations caught`);
if (survivors > 0) process.exitCode = 1;
