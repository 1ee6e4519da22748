// Records the session as this tree speaks it, for a release: see README.md. CI never runs it.
import { execFileSync } from "node:child_process";

import { writeFixtures } from "./fixtures.ts";
import { recordSession } from "./record-session.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Transcript } from "./transcript.ts";

const [session, version] = process.argv.slice(2);
if (session === undefined || version === undefined) {
  throw new Error("pnpm --filter @blkmig/compat record <session revision, 2.1> <version of blkmig, 1.3.0>");
}
const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" }).trim();
const changed = git("status", "--porcelain", "--", ":/packages");
if (changed !== "") throw new Error(`a release is recorded from what is committed, and this is not:\n${changed}`);
const commit = git("rev-parse", "--short=12", "HEAD");
const all = new Map<string, Transcript>();
for (const [name, scenario] of Object.entries(SCENARIOS))
  all.set(name, await recordSession(scenario, `compat-${name}`));
writeFixtures({ session, writtenBy: `blkmig ${version} (${commit})` }, all);
