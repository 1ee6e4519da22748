// Packs the package in the current folder as pnpm would publish it (so with "catalog:", "workspace:" and publishConfig
// filled in) and checks the tarball. Says what is wrong, and nothing else.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { wrongsOf } from "./check-tarball.mjs";
import { tooHeavy } from "./package-sizes.mjs";

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: "pipe" });
  } catch (error) {
    process.stderr.write(Buffer.concat([error.stdout, error.stderr]));
    throw new Error(`${command} is not content`, { cause: error });
  }
}

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("temp", { recursive: true });
const tarball = join("temp", "package.tgz");
rmSync(tarball, { force: true });
run("pnpm", ["pack", "--out", tarball]);
run("publint", ["run", tarball, "--strict"]);
// A program has no types to resolve.
if (manifest.exports?.["."]) run("attw", [tarball, "--profile", "esm-only", "--format", "ascii"]);

const wrongs = [...wrongsOf(tarball, manifest), ...tooHeavy(manifest.name, tarball)];
for (const wrong of wrongs) console.error(`${manifest.name}: ${wrong}`);
if (wrongs.length > 0) process.exitCode = 1;
