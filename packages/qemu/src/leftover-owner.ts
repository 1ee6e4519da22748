import type { Claim } from "./leftover-survey.ts";
import { startOf } from "./process-start.ts";

/** The first of these processes that lives on this host. Linux only: elsewhere none is known to live. */
export async function livingOwner(claims: readonly Claim[]): Promise<number | undefined> {
  for (const { pid, start } of claims) {
    if ((await startOf(pid)) === start) return pid;
  }
  return undefined;
}
