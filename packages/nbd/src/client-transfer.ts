import type { Segments } from "@blkmig/device";

import type { Ledger } from "./client-ledger.ts";
import type { Lines } from "./client-lines.ts";
import { piecesOf, segmentsOf } from "./client-pieces.ts";
import { ReadRequest, type Request, WriteRequest } from "./client-request.ts";
import { CMD } from "./nbd-numbers.ts";

/** Longer reads and writes go in pieces: several connections share them. */
const PIECE_BYTES = 2 ** 20;

/** Fills all of `into`. Where the server takes whole blocks only, more is read at both ends and dropped. */
export async function readBlocks(lines: Lines, offset: number, into: Uint8Array): Promise<void> {
  if (into.length === 0) return; // servers refuse requests of nothing
  const { size, blockSizes } = lines.offer;
  const { minimum } = blockSizes;
  const end = offset + into.length;
  const from = Math.ceil(offset / minimum) * minimum;
  const to = end === size ? end : end - (end % minimum);
  const around = async (at: number, part: Uint8Array): Promise<void> => {
    const [first, last] = widen(at, part.length, minimum, size);
    const blocks = new Uint8Array(last - first);
    await lines.ask(new ReadRequest(first, blocks));
    part.set(blocks.subarray(at - first, at - first + part.length));
  };
  if (from >= to) return around(offset, into);
  const reads = piecesOf(from, to - from, pieceBytes(lines)).map(async (piece) => {
    const at = piece.offset - offset;
    return lines.ask(new ReadRequest(piece.offset, into.subarray(at, at + piece.length)));
  });
  if (offset < from) reads.push(around(offset, into.subarray(0, from - offset)));
  if (to < end) reads.push(around(to, into.subarray(to - offset)));
  await all(reads);
}

/** Writes whole blocks; the segments are borrowed until it settles. */
export async function writeBlocks(lines: Lines, ledger: Ledger, offset: number, data: Segments): Promise<void> {
  const length = data.reduce((sum, segment) => sum + segment.length, 0);
  const pieces = piecesOf(offset, length, pieceBytes(lines));
  const segments = segmentsOf(data, pieces);
  await askAll(
    lines,
    pieces.map((piece, i) => new WriteRequest({ command: CMD.WRITE, flags: 0, ...piece }, segments[i]!, ledger)),
  );
}

/** Settles when all have settled, for all of them borrow: as the first that failed. */
export async function askAll(lines: Lines, requests: readonly Request[]): Promise<void> {
  await all(requests.map(async (request) => lines.ask(request)));
}

/** The whole blocks around an extent, as far as the disk goes. */
export function widen(offset: number, length: number, minimum: number, size: number): [from: number, to: number] {
  const end = offset + length;
  return [offset - (offset % minimum), Math.min(size, Math.ceil(end / minimum) * minimum)];
}

/** What fits, in whole blocks. */
function pieceBytes(lines: Lines): number {
  const { maximum, minimum } = lines.offer.blockSizes;
  const bytes = Math.min(PIECE_BYTES, maximum);
  return bytes - (bytes % minimum);
}

async function all(settling: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(settling);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}
