import type { ChosenQemuDisk, QemuDisk } from "./disks-contract.ts";
import type { Qmp } from "./qmp-contract.ts";

/** The machine's disks, in QEMU's order. Throws `QemuError`. */
export async function listQemuDisks(qmp: Qmp): Promise<readonly QemuDisk[]> {
  throw new Error(`not landed: ${qmp.url}`);
}

/**
 * Those that were asked for, or all that can be moved. Throws `QemuError`: `unknown-disk` (with what there is), `unfit` for what must be
 * refused, and for what would be left out but was asked for by name.
 */
export function chooseQemuDisks(
  url: string,
  disks: readonly QemuDisk[],
  wanted?: readonly { readonly id: string; readonly name?: string }[],
): readonly ChosenQemuDisk[] {
  throw new Error(`not landed: ${url} ${disks.length} ${wanted?.length}`);
}
