import { createHash } from "node:crypto";

import type { BlockDevice, Run } from "@blkmig/device";

import { isAllZero } from "./all-zero.ts";

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
  return (await hashOf(device, offset, length, options)).equals(digest);
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

async function hashOf(device: BlockDevice, offset: number, length: number, options: ReadBackOptions): Promise<Buffer> {
  const hash = createHash("sha256");
  // Not asked about first: where there is a digest there was data, and to ask a file for a hole may take longer than to read.
  for await (const bytes of pieces(device, { offset, length }, options)) hash.update(bytes);
  return hash.digest();
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
