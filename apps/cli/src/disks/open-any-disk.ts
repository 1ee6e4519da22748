import { openDisk } from "@blkmig/device";

import type { AnyDisk, OpenAnyDiskOptions } from "./any-disk.ts";

/** Opens what `--disk NAME=…` says: a path, or an NBD URL. Throws `DeviceError`, `NbdError`, and `CommandError` for clear text that leaves this machine unasked. */
export async function openAnyDisk(
  text: string,
  { insecure: _insecure, ...options }: OpenAnyDiskOptions,
): Promise<AnyDisk> {
  const disk = await openDisk(text, options);
  return { ...disk, knowsBase: true, minimumBlock: 1 };
}
