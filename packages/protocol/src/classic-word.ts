import { BLOCK_SIZE, type ClassicGeneration } from "./classic-frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Bytes of the word that begins every frame: `sector << 9 | flags`, big-endian, 64 bits. */
export const WORD_BYTES = 8;

const FLAG_BITS = 0x1ff;
const DEVICE = 0x01;
const EOS = 0x02;
const PROGRESS = 0x04;
const ZERO = 0x08;

const HALF = 2 ** 32;
/** The last offset whose block ends at a byte that a JavaScript number still counts exactly. */
const MAX_OFFSET = Number.MAX_SAFE_INTEGER - BLOCK_SIZE;

/** What a frame's word says. */
export type ClassicWord =
  | { readonly says: "block"; readonly offset: number }
  | { readonly says: "zero"; readonly offset: number }
  | { readonly says: "progress"; readonly percent: number }
  | { readonly says: "eos" };

const END: ClassicWord = { says: "eos" };

/**
 * Reads a word from its two halves: a shift by nine of the whole would be cut to 32 bits. Throws `ProtocolError`
 * `unknown-flags`, `bad-offset` or `bad-progress`. Source of the flags: docs/wire-format.md.
 */
export function readWord(high: number, low: number, generation: ClassicGeneration, position: number): ClassicWord {
  switch (low & FLAG_BITS) {
    case DEVICE:
      return { says: "block", offset: readOffset(high, low, position) };
    case DEVICE | ZERO:
      if (generation === "1.0") break;
      return { says: "zero", offset: readOffset(high, low, position) };
    case PROGRESS:
      return { says: "progress", percent: readPercent(high, low, position) };
    case EOS:
      if (high === 0 && low === EOS) return END;
      throw new ProtocolError("unknown-flags", `flags 0x2 end a section, yet the word is ${hex(high, low)}`, position);
    default:
  }
  const flags = `0x${(low & FLAG_BITS).toString(16)}`;
  throw new ProtocolError("unknown-flags", `flags ${flags} are no frame of a classic ${generation} stream`, position);
}

function readOffset(high: number, low: number, position: number): number {
  if ((low & (BLOCK_SIZE - 1) & ~FLAG_BITS) !== 0) {
    throw new ProtocolError("bad-offset", `a block does not begin at a multiple of 1 MiB: ${hex(high, low)}`, position);
  }
  const offset = high * HALF + ((low & ~FLAG_BITS) >>> 0);
  if (offset > MAX_OFFSET) {
    throw new ProtocolError("bad-offset", `a block ends beyond 2^53 - 1 bytes: ${hex(high, low)}`, position);
  }
  return offset;
}

function readPercent(high: number, low: number, position: number): number {
  const percent = low >>> 9;
  if (high !== 0 || percent > 100) {
    throw new ProtocolError("bad-progress", `a progress of more than 100 percent: ${hex(high, low)}`, position);
  }
  return percent;
}

function hex(high: number, low: number): string {
  return `0x${high.toString(16).padStart(8, "0")}${low.toString(16).padStart(8, "0")}`;
}

/** Writes at `at` the word of a block that is at `offset` and has data. */
export function writeBlockWord(into: Uint8Array, at: number, offset: number): void {
  writeWord(into, at, Math.floor(offset / HALF), (offset % HALF) + DEVICE);
}

/** Writes at `at` the word of a block that is at `offset` and all zero. */
export function writeZeroWord(into: Uint8Array, at: number, offset: number): void {
  writeWord(into, at, Math.floor(offset / HALF), (offset % HALF) + (DEVICE | ZERO));
}

/** Writes at `at` the word that says `percent`. */
export function writeProgressWord(into: Uint8Array, at: number, percent: number): void {
  writeWord(into, at, 0, (percent << 9) | PROGRESS);
}

/** Writes at `at` the word that ends a section. */
export function writeEosWord(into: Uint8Array, at: number): void {
  writeWord(into, at, 0, EOS);
}

// Byte by byte: as fast as a DataView, without one to make for every frame.
function writeWord(into: Uint8Array, at: number, high: number, low: number): void {
  into[at] = high >>> 24;
  into[at + 1] = high >>> 16;
  into[at + 2] = high >>> 8;
  into[at + 3] = high;
  into[at + 4] = low >>> 24;
  into[at + 5] = low >>> 16;
  into[at + 6] = low >>> 8;
  into[at + 7] = low;
}

/** Throws `RangeError` unless `count` blocks from `offset` on can be said on the wire and counted exactly. */
export function assertBlocks(offset: number, count: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % BLOCK_SIZE !== 0) {
    throw new RangeError(`a block's offset must be a multiple of ${BLOCK_SIZE}, not ${offset}`);
  }
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`the number of blocks must be a whole number of at least 1, not ${count}`);
  }
  if (count > (Number.MAX_SAFE_INTEGER - offset) / BLOCK_SIZE) {
    throw new RangeError(`${count} block(s) at ${offset} end beyond 2^53 - 1 bytes`);
  }
}
