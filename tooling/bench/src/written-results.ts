import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { documentOf } from "./document.ts";
import { picturesOf } from "./pictures.ts";
import type { Results } from "./results.ts";

const BEGIN = "<!-- Made by `pnpm bench --write`; what is changed by hand up to the end is lost. -->";
const END = "<!-- The end of what `pnpm bench --write` made. -->";
const OXFMT = fileURLToPath(new URL("../../../node_modules/.bin/oxfmt", import.meta.url));

/** The samples of the last run that was written. Throws if there are none. */
export function readResults(docs: string): Results {
  return JSON.parse(readFileSync(join(docs, "performance/results.json"), "utf8")) as Results;
}

/** Writes the samples, the pictures, and the generated part of `performance.md`; the rest of that stays as it is. */
export function writeResults(docs: string, results: Results): void {
  const folder = join(docs, "performance");
  mkdirSync(folder, { recursive: true });
  const [page, samples] = [join(docs, "performance.md"), join(folder, "results.json")];
  const before = existsSync(page) ? readFileSync(page, "utf8") : "# Performance\n";
  writeFileSync(samples, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(page, withGenerated(before, documentOf(results)));
  const old = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  for (const name of old) rmSync(join(folder, name));
  for (const [name, svg] of picturesOf(results)) writeFileSync(join(folder, name), svg);
  execFileSync(OXFMT, ["performance.md", "performance/results.json"], { cwd: docs, stdio: "ignore" });
}

function withGenerated(page: string, generated: string): string {
  const made = `${BEGIN}\n\n${generated}\n\n${END}`;
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${made}\n`;
  return page.slice(0, from) + made + page.slice(to + END.length);
}
