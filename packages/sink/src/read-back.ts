import { createHash } from "node:crypto";

import type { BlockDevice } from "@blkmig/device";

export interface ReadBackOptions {
  /** Where pieces are read to, borrowed. */
  readonly buffer: Uint8Array;
  /** Throws where a long extent is to be left early. */
  readonly check: () => void;
}

/**
 * Whether the extent has this SHA-256, or is nothing but zeroes. What the disk knows to be zero is not read; memory is the
 * buffer, whatever the length.
 */
export async function isEqual(
  device: BlockDevice,
  { offset, length }: { readonly offset: number; readonly length: number },
  digest: Uint8Array | "zero",
  options: ReadBackOptions,
): Promise<boolean> {
  if (digest === "zero") return isZero(device, offset, length, options);
  const hash = createHash("sha256");
  for await (const piece of pieces(device, offset, length, options)) hash.update(piece.bytes);
  return hash.digest().equals(digest);
}

async function isZero(device: BlockDevice, offset: number, length: number, options: ReadBackOptions): Promise<boolean> {
  for await (const { known, bytes } of pieces(device, offset, length, options)) {
    if (!known && bytes.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/** The extent's bytes, in the buffer; `known`: they were not read, for they are zero for certain. */
async function* pieces(
  device: BlockDevice,
  offset: number,
  length: number,
  { buffer, check }: ReadBackOptions,
): AsyncGenerator<{ readonly known: boolean; readonly bytes: Uint8Array }, void, void> {
  for await (const extent of device.extents(offset, length)) {
    for (let done = 0; done < extent.length; done += buffer.length) {
      check();
      const bytes = buffer.subarray(0, Math.min(buffer.length, extent.length - done));
      if (extent.zero) bytes.fill(0);
      else await device.read(extent.offset + done, bytes);
      yield { known: extent.zero, bytes };
    }
  }
}
