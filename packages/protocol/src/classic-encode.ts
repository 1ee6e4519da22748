import { BLOCK_SIZE } from "./classic-frame.ts";
import {
  assertBlocks,
  WORD_BYTES,
  writeBlockWord,
  writeEosWord,
  writeProgressWord,
  writeZeroWord,
} from "./classic-word.ts";
import { assertNameBytes } from "./device-name.ts";
import type { Segments } from "./segments.ts";

/**
 * One block of a device, with its data. The result is a fresh header and `data` itself, a view for good: whoever sends
 * the segments borrows the caller's block until it has sent them.
 *
 * @param name What `encodeDeviceName()` made; borrowed for the call.
 * @param offset Bytes from the disk's start, a multiple of 1 MiB.
 * @param data Exactly 1 MiB; where the disk ends inside the block, the caller has put zeros behind its end.
 * @throws RangeError if the offset, the name's or the data's length is none that the wire can carry.
 */
export function encodeBlock(name: Uint8Array, offset: number, data: Uint8Array): Segments {
  assertNameBytes(name);
  assertBlocks(offset, 1);
  if (data.length !== BLOCK_SIZE) {
    throw new RangeError(`a block's data must be exactly ${BLOCK_SIZE} bytes, not ${data.length}`);
  }
  const header = new Uint8Array(WORD_BYTES + 1 + name.length);
  writeBlockWord(header, 0, offset);
  writeName(header, WORD_BYTES, name);
  return [header, data];
}

/**
 * `count` neighbouring blocks of a device, from `offset` on, that are all zero: one frame each, all in one fresh buffer.
 * Only generation 1.1 knows them: a 1.0 receiver would take the next 1 MiB of the stream for their data.
 *
 * @param name What `encodeDeviceName()` made; borrowed for the call.
 * @param offset Bytes from the disk's start, a multiple of 1 MiB.
 * @param count At least 1. The buffer holds `count` × (9 + the name's length) bytes; the caller bounds it.
 * @throws RangeError if the offset, the count or the name's length is none that the wire can carry.
 */
export function encodeZeroBlocks(name: Uint8Array, offset: number, count: number): Segments {
  assertNameBytes(name);
  assertBlocks(offset, count);
  const frame = WORD_BYTES + 1 + name.length;
  const frames = new Uint8Array(frame * count);
  writeName(frames, WORD_BYTES, name);
  repeatFirst(frames, frame);
  for (let i = 0; i < count; i++) writeZeroWord(frames, i * frame, offset + i * BLOCK_SIZE);
  return [frames];
}

/** Fills the buffer with copies of its first `length` bytes, twice as many with each step. */
function repeatFirst(bytes: Uint8Array, length: number): void {
  for (let done = length; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
}

/**
 * How far the bulk phase is, in whole percent. 100 stands once, directly before the last end of section: a receiver of a
 * bare stream takes it for the word that everything was sent.
 *
 * @throws RangeError unless `percent` is a whole number from 0 to 100.
 */
export function encodeProgress(percent: number): Segments {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
    throw new RangeError(`a progress must be a whole number from 0 to 100, not ${percent}`);
  }
  const word = new Uint8Array(WORD_BYTES);
  writeProgressWord(word, 0, percent);
  return [word];
}

/** The end of one section. */
export function encodeEos(): Segments {
  const word = new Uint8Array(WORD_BYTES);
  writeEosWord(word, 0);
  return [word];
}

function writeName(into: Uint8Array, at: number, name: Uint8Array): void {
  into[at] = name.length;
  into.set(name, at + 1);
}
