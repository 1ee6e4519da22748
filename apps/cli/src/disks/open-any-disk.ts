import { openDisk } from "@blkmig/device";
import { isNbdUrl } from "@blkmig/nbd";

import type { AnyDisk, OpenAnyDiskOptions } from "./any-disk.ts";
import { openNbdDisk } from "./open-nbd-disk.ts";

/**
 * Opens what `--disk NAME=…` says: a path, or an NBD URL. Throws `DeviceError`, `NbdError`, and `CommandError`: `usage` for a URL
 * that is none, `refused` for clear text that leaves this machine unasked and for keys that cannot be read, `cancelled`.
 */
export async function openAnyDisk(text: string, options: OpenAnyDiskOptions): Promise<AnyDisk> {
  if (isNbdUrl(text)) return openNbdDisk(text, options);
  const { insecure: _insecure, signal: _signal, warn: _warn, ...local } = options;
  const disk = await openDisk(text, local);
  return { ...disk, knowsBase: true, minimumBlock: 1 };
}
