import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type as system } from "node:os";

import { sizeOf } from "./jobs.ts";
import type { Place } from "./measure-copies.ts";

/** How each program tells its version. */
const VERSION_WORDS: Readonly<Record<string, readonly string[]>> = {
  nbdcopy: ["--version"],
  nbdkit: ["--version"],
  "qemu-img": ["--version"],
  "qemu-nbd": ["--version"],
  "qemu-system-x86_64": ["--version"],
  socat: ["-V"],
  rsync: ["--version"],
};

/** Sentences about where the bench runs. */
export function describeMachine(places: readonly Place[]): readonly string[] {
  const processors = cpus();
  return [
    `${processors.length} × ${processors[0]?.model.trim() ?? "an unknown processor"}, ${sizeOf(totalmem())} of memory`,
    `${system()} ${release()}`,
    ...places.map(({ name, folder }) => `${name}: ${fileSystemOf(folder)}`),
  ];
}

/** The first number of each program's own words; of those that are not installed none. */
export function versionsOf(programs: readonly string[]): Readonly<Record<string, string>> {
  const versions: Record<string, string> = { node: process.versions.node };
  for (const program of programs) {
    const words = VERSION_WORDS[program];
    if (words) versions[program] = /\d+(\.\d+)+/.exec(execFileSync(program, words, { encoding: "utf8" }))?.[0] ?? "?";
  }
  return versions;
}

/** By Linux's own name of it, such as `ext2/ext3`. */
function fileSystemOf(folder: string): string {
  return execFileSync("stat", ["--file-system", "--format=%T", folder], { encoding: "utf8" }).trim();
}
