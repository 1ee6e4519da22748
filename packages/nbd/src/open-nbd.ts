import type { NbdDevice, NbdUrl, OpenNbdOptions } from "./nbd-contract.ts";

/** Opens a disk behind NBD. Throws `NbdError`. */
export async function openNbd(_url: NbdUrl, _options: OpenNbdOptions = {}): Promise<NbdDevice> {
  throw new Error("not landed");
}
