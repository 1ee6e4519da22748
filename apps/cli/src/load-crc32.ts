import { crc32 as zlibCrc32 } from "node:zlib";

import type { Crc32 } from "@blkmig/protocol";

/** What `@node-rs/crc32` has, and a program without it has not. */
interface NativeCrc32 {
  readonly crc32: (data: Uint8Array) => number;
}

/** "123456789" and its CRC-32, as catalogues give it, inside a larger buffer: data is seldom a buffer of its own. */
const KNOWN = Buffer.from("0123456789A").subarray(1, 10);
const CRC_OF_KNOWN = 0xcbf4_3926;

/**
 * The fastest CRC-32 there is for a session's data: that of `@node-rs/crc32`, or of `node:zlib` where it is not installed, does
 * not load, or errs. Asked for when a session begins, so that whatever runs none does not load it.
 */
export async function loadCrc32(
  load: () => Promise<NativeCrc32> = async () => import("@node-rs/crc32"),
): Promise<Crc32> {
  try {
    const { crc32: native } = await load();
    if (native(KNOWN) !== CRC_OF_KNOWN) return zlibCrc32;
    // Its second parameter is its own affair: whoever goes on from a seed gets zlib's.
    return (data, seed) => (seed === undefined ? native(data) : zlibCrc32(data, seed));
  } catch {
    return zlibCrc32; // an optional dependency, and there are platforms without a binary of it
  }
}
