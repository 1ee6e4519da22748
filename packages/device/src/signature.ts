import type { BlockDevice } from "./block-device.ts";
import { SIGNATURES, type Signature } from "./signature-table.ts";

/**
 * Names what a disk visibly holds, such as "an ext4 file system", by its first 68 KiB; undefined if nothing there is known.
 * What is kept at a disk's end alone (RAID 1.0, the second GPT) is not looked for. Throws the disk's `DeviceError`.
 */
export async function readSignature(device: Pick<BlockDevice, "size" | "read">): Promise<string | undefined> {
  const start = new Uint8Array(Math.min(device.size, 68 * 1024));
  await device.read(0, start);
  return SIGNATURES.find((signature) => isAt(start, signature))?.[0];
}

function isAt(bytes: Uint8Array, [, offset, magic]: Signature): boolean {
  const there = bytes.subarray(offset, offset + magic.length);
  return Buffer.from(magic, "latin1").equals(there);
}
