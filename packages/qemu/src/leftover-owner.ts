import { readFile } from "node:fs/promises";

import type { Claim } from "./leftover-survey.ts";

/** The first of these processes that lives on this host. Linux only: elsewhere none is known to live. */
export async function livingOwner(claims: readonly Claim[]): Promise<number | undefined> {
  for (const { pid, start } of claims) {
    if ((await startOf(pid)) === start) return pid;
  }
  return undefined;
}

/** When a process began, in the kernel's clock ticks since boot; undefined for one that is dead, buried or not. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name stands in brackets, and may have blanks and brackets of its own: fields are counted from behind it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isDead = fields?.[0] === "Z" || fields?.[0] === "X";
  return isDead ? undefined : fields?.[STARTED - STATE];
}

/** Numbers of fields by proc(5); the first behind the name is the state. */
const STATE = 3;
const STARTED = 22;
