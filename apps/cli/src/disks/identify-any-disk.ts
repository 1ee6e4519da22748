import { type DiskIdentity, identifyDisk } from "@blkmig/device";
import { formatNbdUrl, isNbdUrl } from "@blkmig/nbd";

import { parseNbdDisk } from "./nbd-disk-url.ts";

/** Which disk a path or an NBD URL leads to, without opening it. Throws what `identifyDisk` throws, and `CommandError` `usage`. */
export async function identifyAnyDisk(text: string): Promise<DiskIdentity> {
  return isNbdUrl(text) ? { url: formatNbdUrl(parseNbdDisk(text)) } : identifyDisk(text);
}
