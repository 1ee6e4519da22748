import type { CleanOptions, GuestAfterClean, Leftover } from "./leftovers-contract.ts";
import type { Qmp } from "./qmp-contract.ts";

/** All that carries names of ours, by migration. Throws `QemuError`. */
export async function findLeftovers(qmp: Qmp): Promise<readonly Leftover[]> {
  throw new Error(`not landed: ${qmp.url}`);
}

/**
 * Removes what a migration has left, and resumes a guest that it had stopped or whose machine's migration it had begun, unless commit
 * was asked for: then only `outcome` decides, and without one nothing is touched. Throws `QemuError` `busy` for one that is under way.
 */
export async function cleanLeftover(
  qmp: Qmp,
  leftover: Leftover,
  options: CleanOptions = {},
): Promise<GuestAfterClean> {
  throw new Error(`not landed: ${qmp.url} ${leftover.migration} ${options.outcome}`);
}
