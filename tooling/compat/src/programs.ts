import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A blkmig that somebody may have installed. */
export interface Program {
  /** Such as "0.1.0", or "today" for what this tree builds. */
  readonly version: string;
  /** Its `dist/bin.js`. */
  readonly bin: string;
}

const RELEASED = fileURLToPath(new URL("../released", import.meta.url));
const require = createRequire(import.meta.url);

/** The versions whose packed copies are kept in `released/`, the oldest first. */
export function keptVersions(): readonly string[] {
  const names = readdirSync(RELEASED).filter((name) => name.endsWith(".tgz"));
  const versions = names.map((name) => /^blkmig-(.+)\.tgz$/.exec(name)![1]!);
  return versions.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Each kept version as its packed copy was installed, with what it depends on; and today's last. */
export function programs(): readonly Program[] {
  const kept = keptVersions().map((version) => ({ version, bin: binOf(`blkmig-${version}`) }));
  return [...kept, { version: "today", bin: binOf("blkmig") }];
}

function binOf(name: string): string {
  return join(require.resolve(`${name}/package.json`), "../dist/bin.js");
}
