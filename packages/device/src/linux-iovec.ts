import type { Segments } from "./block-device.ts";

/** Segments as the kernel reads them: `struct iovec` of a 64-bit Linux, u64 address and u64 length each. */
export interface Iovecs {
  /** Puts the front of `data` there, and returns how many of its segments that is. Good until the next call, and while `data` is as it is. */
  put(data: Segments): number;
  /** Their memory, the same for every call: a small request would cost as much again if it made its own. */
  readonly bytes: Uint8Array;
}

/** Room for `count` segments; `addressOf` says where one's first byte is in memory. */
export function createIovecs(count: number, addressOf: (segment: Uint8Array) => bigint): Iovecs {
  const words = new BigUint64Array(2 * count);
  return {
    bytes: new Uint8Array(words.buffer),
    put(data) {
      let filled = 0;
      for (const segment of data) {
        if (filled === count) break;
        words[2 * filled] = addressOf(segment);
        words[2 * filled + 1] = BigInt(segment.length);
        filled += 1;
      }
      return filled;
    },
  };
}
