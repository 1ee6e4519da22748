import { BLOCK_SIZE } from "@blkmig/protocol";

import { CommandError } from "../command-error.ts";
import type { Sources } from "./open-sources.ts";

/**
 * A stock QEMU fails, after everything was sent, on data in a last block that is shorter than 1 MiB (since 2.10). So that is
 * refused before anything is sent; zeroes there are no data, and pass. Throws `CommandError` `refused`.
 */
export async function assertWholeBlocks({ disks }: Sources): Promise<void> {
  for (const { name, device } of disks) {
    const length = device.size % BLOCK_SIZE;
    const tail = Buffer.alloc(length);
    if (length > 0) await device.read(device.size - length, tail);
    if (tail.equals(Buffer.alloc(length))) continue;
    throw new CommandError(
      "refused",
      `disk '${name}': its ${device.size} bytes are no multiple of 1 MiB and its last block has data, on which a QEMU fails ` +
        "that receives it; make both disks a multiple of 1 MiB (truncate -s %1M), or zero that tail",
    );
  }
}
