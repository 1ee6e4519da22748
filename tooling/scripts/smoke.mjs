// Packs every package, installs the tarballs with npm into an empty folder, as a user would, and moves a disk with the
// installed program under the Node.js of the tools and under the oldest that is supported (or the machine's own).
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

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

let moves = 0;

async function move(node, scheme) {
  moves++; // a disk that has moved is not sent again
  const content = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(2_000_000), randomBytes(243_392)]);
  const [from, to] = [join(folder, `from-${moves}.raw`), join(folder, `to-${moves}.raw`)];
  writeFileSync(from, content);
  writeFileSync(to, Buffer.alloc(content.length, 0xe5));
  const bin = join(folder, "node_modules/.bin/blkmig");
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

try {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  for (const cwd of [...packages, join(root, "apps/cli")]) {
    execFileSync("pnpm", ["pack", "--pack-destination", folder], { cwd, stdio: "ignore" });
  }
  const tarballs = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  execFileSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--loglevel=error", ...tarballs.map((file) => `./${file}`)],
    {
      cwd: folder,
      stdio: "inherit",
      env: environment,
    },
  );
  for (const node of nodes) {
    const version = execFileSync(node, ["--version"]).toString().trim();
    for (const scheme of ["tcp", "ws"]) {
      const ok = await move(node, scheme);
      console.log(`${ok ? "ok" : "FAILED"}: packed, installed, moved a disk over ${scheme} under Node.js ${version}`);
      results.push({ status: ok ? "passed" : "failed", fullName: `smoke ${scheme} ${version}` });
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
const count = (status) => results.filter((result) => result.status === status).length;
const report = {
  numPassedTests: count("passed"),
  numFailedTests: count("failed"),
  testResults: [{ assertionResults: results }],
};
writeFileSync(join(root, "apps/cli/.test-results.smoke.json"), JSON.stringify(report));
if (count("failed") > 0) process.exitCode = 1;
