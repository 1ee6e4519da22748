// Reports that are committed: written with --write, compared without.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Writes the report, or sets a failing exit code where it differs from the committed one; and where something is wrong. */
export function keepReport(path, report, wrongs = []) {
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (process.argv.includes("--write")) writeFileSync(path, report);
  else if (before !== report) {
    const said = relative(root, path);
    console.error(
      `the public API changed: run pnpm api, and write a changeset (${said}, ${firstChange(before, report)})`,
    );
    process.exitCode = 1;
  }
  for (const wrong of wrongs) console.error(wrong);
  if (wrongs.length > 0) process.exitCode = 1;
}

function firstChange(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const at = now.findIndex((line, index) => line !== old[index]);
  return at < 0 ? `line ${now.length + 1}: gone: ${old[now.length]}` : `line ${at + 1}: ${now[at]}`;
}
