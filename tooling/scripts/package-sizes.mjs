// What each package weighs, packed and unpacked, and what it needs: docs/packages.md.
//   pnpm sizes     packs all of them, and writes the table anew
// check-package.mjs asks it whether a package has become much heavier than the table says.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { contentsOf } from "./check-tarball.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const table = join(root, "docs/packages.md");
/** A table of yesterday's bytes is true enough: only what somebody would notice fails. */
const MAY_GROW = 1.25;

const kB = (bytes) => Math.round(bytes / 1000);

/** One sentence where a tarball is a quarter heavier than the table says. */
export function tooHeavy(name, tarball) {
  const text = existsSync(table) ? readFileSync(table, "utf8") : "";
  const row = text.split("\n").find((line) => line.startsWith(`| \`${name}\` `));
  const said = Number(row?.split("|")[2]?.replace("kB", ""));
  const weighs = kB(statSync(tarball).size);
  if (weighs <= said * MAY_GROW) return [];
  return [`weighs ${weighs} kB packed, and docs/packages.md says ${said}: if it has to, run pnpm sizes`];
}

function rowOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const tarball = join(folder, "temp/package.tgz");
  const { files, bytes } = contentsOf(tarball);
  const needs = Object.keys({ ...manifest.dependencies }).map((need) => `\`${need}\``);
  const mayUse = Object.keys({ ...manifest.optionalDependencies }).map((need) => `\`${need}\` (optional)`);
  const all = [...needs, ...mayUse].join(", ") || "nothing";
  return `| \`${manifest.name}\` | ${kB(statSync(tarball).size)} kB | ${kB(bytes)} kB | ${files.length} | ${all} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  const rows = [...packages, join(root, "apps/cli")].map(rowOf);
  const text = `# What each package weighs

Each can be taken singly, and has no more in it than its compiled sources, their declarations, a README and the licence: no tests, no source
maps, nothing that runs at its installation. The program carries the packages in its bundle.

| package | packed | unpacked | files | needs |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

Made by \`pnpm sizes\`. \`pnpm check\` fails for a package that has become a quarter heavier than it says here.
Why each of the libraries: [decisions/dependencies.md](decisions/dependencies.md).
`;
  writeFileSync(table, text);
}
