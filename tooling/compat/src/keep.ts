// Keeps a packed copy of the program as it is released: see README.md. CI never runs it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CLI = here("../../../apps/cli");
const MANIFEST = here("../package.json");

const { version } = JSON.parse(readFileSync(`${CLI}/package.json`, "utf8")) as { version: string };
const name = `blkmig-${version}`;
const tarball = here(`../released/${name}.tgz`);
if (version === "0.0.0") throw new Error("nothing has been released yet: pnpm version-packages comes first");
if (existsSync(tarball)) throw new Error(`${tarball} is kept already: what was released once was released like that`);
mkdirSync(here("../released"), { recursive: true });
execFileSync("pnpm", ["pack", "--out", tarball], { cwd: CLI, stdio: "inherit" });

const manifest = JSON.parse(readFileSync(MANIFEST, "utf8")) as { dependencies: Record<string, string> };
manifest.dependencies[name] = `file:released/${name}.tgz`;
writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
