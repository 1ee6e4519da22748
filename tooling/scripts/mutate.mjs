// Breaks each law on purpose, in a copy of the tree, and says whether the tests notice: `pnpm test:mutations [NAME]`.
// The list is docs/architecture.md's; a change of the code that a mutation no longer fits fails here too.
// `--by-simulator [--seconds 60] [NAME…]` lets the simulator look for them instead, and prints what it said as a table.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { isSimulated, soakOf, tableOf } from "./mutate-by-simulator.mjs";
import { mutations } from "./mutations.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "blkmig-mutants-"));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "by-simulator": { type: "boolean", default: false }, seconds: { type: "string", default: "60" } },
});
const bySimulator = values["by-simulator"];
const chosen = mutations.filter(
  (mutation) =>
    (!bySimulator || isSimulated(mutation)) &&
    (positionals.length === 0 || positionals.some((name) => mutation.name.includes(name))),
);

/** On a busy machine the tests alone take minutes: whoever takes that many times as long hangs. */
const LEAST_MS = 600_000;
const SLOWER = 4;

function testsPass(workspace, tests, timeout = LEAST_MS) {
  try {
    const vitest = join(root, workspace, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", ...tests, "--reporter=dot", "--bail=1"];
    const env = { ...process.env, BLKMIG_SEEDS: "60" };
    execFileSync(process.execPath, args, { cwd: join(copy, workspace), env, stdio: "ignore", timeout });
    return true;
  } catch {
    return false;
  }
}

const sound = new Map(); // by what is run: how long it took without a mutation, milliseconds
function byItsTest({ name, workspace, tests }, mutate) {
  const what = `${workspace} ${tests.join(" ")}`;
  if (!sound.has(what)) {
    const since = Date.now();
    if (!testsPass(workspace, tests)) throw new Error(`${name}: ${what} fails without the mutation`);
    sound.set(what, Date.now() - since);
  }
  const killed = mutate(() => !testsPass(workspace, tests, Math.max(LEAST_MS, SLOWER * sound.get(what))));
  console.log(`${killed ? "caught" : "SURVIVED"}: ${name} (${workspace}: ${tests.join(", ")})`);
  return killed;
}

const rows = [];
function byTheSimulator({ name, soak }, mutate) {
  const said = mutate(() => soakOf(copy, Number(values.seconds), soak));
  rows.push({ name, ...said });
  console.log(
    `${said.sentence === undefined ? "not caught" : `caught after ${said.after}: ${said.sentence}`}: ${name}`,
  );
  return said.sentence !== undefined;
}

let survivors = 0;
try {
  for (const folder of ["packages", "apps", "tooling"]) {
    cpSync(join(root, folder), join(copy, folder), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (bySimulator) {
    const { sentence } = soakOf(copy, 10);
    if (sentence !== undefined) throw new Error(`the simulator complains without a mutation: ${sentence}`);
  }
  for (const mutation of chosen) {
    const { name, file, find, replace } = mutation;
    const path = join(copy, file);
    const source = readFileSync(path, "utf8");
    if (source.split(find).length !== 2) throw new Error(`${name}: ${file} no longer has that line exactly once`);
    const mutate = (judge) => {
      writeFileSync(
        path,
        source.replace(find, () => replace),
      );
      const said = judge();
      writeFileSync(path, source);
      return said;
    };
    if (!(bySimulator ? byTheSimulator : byItsTest)(mutation, mutate)) survivors++;
  }
} finally {
  rmSync(copy, { recursive: true });
}
if (bySimulator) console.log(`\n${tableOf(rows)}\n`);
console.log(`${chosen.length - survivors} of ${chosen.length} mutations caught`);
// Not everything can be seen by the simulator: docs/reliability.md says what, and why.
if (survivors > 0 && !bySimulator) process.exitCode = 1;
