import type { Segments } from "@blkmig/device";

export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** An extent in pieces of at most `most` bytes. */
export function piecesOf(offset: number, length: number, most: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = offset; at < offset + length; at += most) {
    pieces.push({ offset: at, length: Math.min(most, offset + length - at) });
  }
  return pieces;
}

/** The segments of each piece: views of the same memory. Empty ones are left out. */
export function segmentsOf(data: Segments, pieces: readonly Piece[]): Segments[] {
  let index = 0;
  let from = 0;
  return pieces.map(({ length }) => {
    const segments: Uint8Array[] = [];
    for (let left = length; left > 0;) {
      const view = data[index]!.subarray(from, from + left);
      left -= view.length;
      from += view.length;
      if (view.length > 0) segments.push(view);
      if (from < data[index]!.length) continue;
      index += 1;
      from = 0;
    }
    return segments;
  });
}
