import type { Run } from "@blkmig/device";

import { isZero } from "./zero.ts";

/** A part of a run that is all zero, or is to be sent. */
export interface Piece extends Run {
  readonly zero: boolean;
}

/** Splits a run that was read into zeroes and data, by whole units; all of it is data where zeroes have no frame. */
export function piecesOf(
  run: Run,
  buffer: Uint8Array,
  { unit, zeroes }: { readonly unit: number; readonly zeroes: boolean },
): Piece[] {
  if (!zeroes) return [{ ...run, zero: false }];
  const pieces: Piece[] = [];
  for (let at = 0; at < run.length; at += unit) {
    const length = Math.min(unit, run.length - at);
    const zero = isZero(buffer.subarray(at, at + length));
    const last = pieces.at(-1);
    if (last?.zero === zero) pieces[pieces.length - 1] = { ...last, length: last.length + length };
    else pieces.push({ offset: run.offset + at, length, zero });
  }
  return pieces;
}
