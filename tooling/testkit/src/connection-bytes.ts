import { sameBytes } from "./same-bytes.ts";

// A stream of known bytes: a prime period, so that nothing that loses, doubles or swaps whole blocks goes unseen.
const PERIOD = 65_537;

/** The longest piece that `patternAt` gives. */
export const PATTERN_WINDOW = 1024 * 1024;

const PATTERN = Uint8Array.from({ length: PERIOD + PATTERN_WINDOW }, (_, i) => {
  const position = i % PERIOD;
  return (position * 167 + (position >>> 8) * 59 + 1) & 0xff;
});

/** The stream's bytes at a position: a view for good, not to be written. */
export function patternAt(position: number, length: number): Uint8Array {
  const start = position % PERIOD;
  return PATTERN.subarray(start, start + length);
}

/** Fills a piece with the stream's bytes; gives its length. */
export function fillPattern(into: Uint8Array, position: number): number {
  into.set(patternAt(position, into.length));
  return into.length;
}

/** Whether these are the stream's bytes at that position. */
export function sameAsPattern(bytes: Uint8Array, position: number): boolean {
  return sameBytes(bytes, patternAt(position, bytes.length));
}
