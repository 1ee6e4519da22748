// Packs the program, installs it alone with npm into an empty folder, as a user would, and moves a disk with it under the
// Node.js of the tools and under the oldest that is supported (or the machine's own). Then packs the packages, installs
// them together in another one, imports each by all its doors, and runs the examples of their READMEs there.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { compileExamples, everyImport } from "./smoke-library.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "blkmig-smoke-"));
const results = [];
const nodes = [...new Set([process.execPath, ...systemNodes()])];
// The tools' own settings must not leak into what a user would run.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm|pnpm|NODE_OPTIONS)/i.test(name)),
);

function systemNodes() {
  const paths = (process.env.PATH ?? "").split(":").filter((path) => !path.includes("node_modules"));
  return paths
    .map((path) => join(path, "node"))
    .filter(runs)
    .slice(0, 1);
}

function runs(node) {
  try {
    execFileSync(node, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const versionOf = (node) => `Node.js ${execFileSync(node, ["--version"]).toString().trim()}`;

let moves = 0;

async function move(node, bin, scheme) {
  moves++; // a disk that has moved is not sent again
  const content = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(2_000_000), randomBytes(243_392)]);
  const [from, to] = [join(folder, `from-${moves}.raw`), join(folder, `to-${moves}.raw`)];
  writeFileSync(from, content);
  writeFileSync(to, Buffer.alloc(content.length, 0xe5));
  const receiver = spawn(node, [bin, "receive", `${scheme}://127.0.0.1:0`, "--disk", `vda=${to}`, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: environment,
  });
  const exited = once(receiver, "exit");
  for await (const line of createInterface({ input: receiver.stdout })) {
    const event = JSON.parse(line);
    if (event.event !== "listening") continue;
    execFileSync(node, [bin, "send", event.url, "--disk", `vda=${from}`], { stdio: "ignore", env: environment });
    break;
  }
  receiver.stdout.resume();
  const [code] = await exited;
  return code === 0 && readFileSync(to).equals(content);
}

/** Packs workspaces, and installs them and nothing else of ours. Gives the folder. */
function install(into, workspaces) {
  const cwd = join(folder, into);
  mkdirSync(cwd);
  for (const workspace of workspaces) {
    execFileSync("pnpm", ["pack", "--pack-destination", cwd], { cwd: join(root, workspace), stdio: "ignore" });
  }
  const tarballs = readdirSync(cwd).map((file) => `./${file}`);
  writeFileSync(join(cwd, "package.json"), '{"private":true}');
  const quietly = ["--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...quietly, ...tarballs], { cwd, stdio: "inherit", env: environment });
  return cwd;
}

function report(ok, what) {
  console.log(`${ok ? "ok" : "FAILED"}: packed, installed, ${what}`);
  results.push({ status: ok ? "passed" : "failed", fullName: `smoke: ${what}` });
}

/** Whether a program ends well; what it says is shown where it does not. */
function endsWell(node, words, cwd) {
  try {
    execFileSync(node, words, { cwd, stdio: ["ignore", "ignore", "inherit"], env: environment });
    return true;
  } catch {
    return false;
  }
}

try {
  const program = install("program", ["apps/cli"]);
  const bin = join(program, "node_modules/.bin/blkmig");
  const packages = readdirSync(join(root, "packages"));
  const library = install(
    "library",
    packages.map((name) => join("packages", name)),
  );
  const imports = everyImport(library);
  for (const node of nodes) {
    const under = `under ${versionOf(node)}`;
    report(endsWell(node, [bin, "--version"]) && endsWell(node, [bin, "send", "--help"]), `gave help ${under}`);
    for (const scheme of ["tcp", "ws"]) {
      report(await move(node, bin, scheme), `moved a disk over ${scheme} ${under}`);
    }
    report(
      endsWell(node, ["--input-type=module", "--eval", imports], library),
      `imported every door of every package ${under}`,
    );
  }
  // Tests run them under the tools' Node.js, from the workspace; here it is the oldest, and what is packed.
  const oldest = nodes.at(-1);
  for (const example of compileExamples(library)) {
    report(endsWell(oldest, [example], library), `ran ${basename(example, ".js")} under ${versionOf(oldest)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
const count = (status) => results.filter((result) => result.status === status).length;
const summary = {
  numPassedTests: count("passed"),
  numFailedTests: count("failed"),
  testResults: [{ assertionResults: results }],
};
writeFileSync(join(root, "apps/cli/.test-results.smoke.json"), JSON.stringify(summary));
if (count("failed") > 0) process.exitCode = 1;
