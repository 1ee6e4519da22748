import { formatNbdUrl, type NbdKeys, type NbdUrl, readNbdKeys } from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";

/**
 * The keys of an address at which disks are served; undefined for clear text. Throws `CommandError`: `usage` where none are named,
 * `refused` for those that cannot be read.
 */
export async function readServerKeys(url: NbdUrl): Promise<NbdKeys | undefined> {
  const isNamed = url.pskFile !== undefined || url.certificates !== undefined;
  try {
    return await readNbdKeys(url, "server");
  } catch (cause) {
    const message = isNamed ? `--nbd ${formatNbdUrl(url)}: ${messageOf(cause)}` : `--nbd: ${messageOf(cause)}`;
    throw new CommandError(isNamed ? "refused" : "usage", message, { cause });
  }
}
