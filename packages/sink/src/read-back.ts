import type { BlockDevice, Run } from "@blkmig/device/memory";

import { isAllZero } from "./all-zero.ts";
import { chooseSha256 } from "./sha256.ts";

const sha256 = chooseSha256();

export interface ReadBackOptions {
  /** Where pieces are read to, borrowed. */
  readonly buffer: Uint8Array;
  /** Throws where a long extent is to be left early. */
  readonly check: () => void;
}

/**
 * Whether the extent has this SHA-256, or is nothing but zeroes, of which those that the disk knows of are not read. Memory is
 * the buffer, whatever the length.
 */
export async function isEqual(
  device: BlockDevice,
  { offset, length }: { readonly offset: number; readonly length: number },
  digest: Uint8Array | "zero",
  options: ReadBackOptions,
): Promise<boolean> {
  if (digest === "zero") return isZero(device, offset, length, options);
  // Not asked about first: where there is a digest there was data, and to ask a file for a hole may take longer than to read.
  const found = await sha256(pieces(device, { offset, length }, options), length);
  return found.every((byte, at) => byte === digest[at]);
}

async function isZero(device: BlockDevice, offset: number, length: number, options: ReadBackOptions): Promise<boolean> {
  for await (const extent of device.extents(offset, length)) {
    options.check();
    if (extent.zero) continue;
    for await (const bytes of pieces(device, extent, options)) {
      if (!isAllZero(bytes)) return false;
    }
  }
  return true;
}

/** The extent's bytes, one buffer full after the other. */
async function* pieces(
  device: BlockDevice,
  { offset, length }: Run,
  { buffer, check }: ReadBackOptions,
): AsyncGenerator<Uint8Array, void, void> {
  for (let done = 0; done < length; done += buffer.length) {
    check();
    const bytes = buffer.subarray(0, Math.min(buffer.length, length - done));
    await device.read(offset + done, bytes);
    yield bytes;
  }
}
