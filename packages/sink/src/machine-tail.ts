import { findVmDescription } from "@blkmig/protocol";

/** A machine's description is some tens of KiB; so much of the stream's end is kept to find it. */
const MOST_BYTES = 4 * 1024 * 1024;
const CLOSING_BRACE = 0x7d;

/** Tells by the last bytes of a machine's state whether it is whole: it ends with a description of itself. */
export interface MachineTail {
  /** The next bytes, copied. */
  add(bytes: Uint8Array): void;
  isWhole(): boolean;
}

export function createMachineTail(): MachineTail {
  let pieces: Uint8Array[] = [];
  let length = 0;
  return {
    add(bytes) {
      pieces.push(bytes.slice());
      length += bytes.length;
      while (length - (pieces[0]?.length ?? 0) > MOST_BYTES) length -= pieces.shift()?.length ?? 0;
    },
    isWhole() {
      if (pieces.at(-1)?.at(-1) !== CLOSING_BRACE) return false;
      pieces = [Buffer.concat(pieces)];
      return findVmDescription(pieces[0]!) !== undefined;
    },
  };
}
