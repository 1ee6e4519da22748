// Packs the package in the current folder as pnpm would publish it (so with
// "catalog:", "workspace:" and publishConfig filled in) and checks the tarball.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const run = (command, args) => execFileSync(command, args, { stdio: "inherit" });
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("temp", { recursive: true });
const tarball = join("temp", "package.tgz");
rmSync(tarball, { force: true });
run("pnpm", ["pack", "--out", tarball]);
run("publint", ["run", tarball, "--strict"]);
// A program has no types to resolve.
if (manifest.exports?.["."]) run("attw", [tarball, "--profile", "esm-only", "--format", "ascii"]);
