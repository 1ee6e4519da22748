import type { OpenLiveDisksOptions, QemuLiveDisks } from "./live-contract.ts";

/**
 * Starts QEMU's NBD server, exports the disks read-only, and opens them. All or nothing: if it fails, nothing of ours is left. Throws
 * `QemuError`: `busy` where an NBD server runs already, `not-supported`, and what QEMU says.
 */
export async function openLiveDisks(options: OpenLiveDisksOptions): Promise<QemuLiveDisks> {
  throw new Error(`not landed: ${options.migration}`);
}
