import type { ZeroOptions } from "@blkmig/device";

import type { Ledger } from "./client-ledger.ts";
import type { Lines } from "./client-lines.ts";
import { piecesOf } from "./client-pieces.ts";
import { WriteRequest } from "./client-request.ts";
import { askAll, writeBlocks } from "./client-transfer.ts";
import { CMD, CMD_FLAG, FLAG } from "./nbd-numbers.ts";

/** One request at most zeroes this much: a length has 32 bits, and a slow server shall answer now and then. */
const ZERO_BYTES = 2 ** 30;

/** What is written where a server knows no zeroing: never changed, and shared. */
const ZEROES_BYTES = 2 ** 20;

/** Zeroes whole blocks of one disk. `fast` is asked for only where the server offers it. */
export function createZero(lines: Lines, ledger: Ledger) {
  let zeroes: Uint8Array | undefined;

  async function write(offset: number, length: number): Promise<void> {
    zeroes ??= new Uint8Array(ZEROES_BYTES);
    const same = zeroes;
    const data = piecesOf(offset, length, ZEROES_BYTES).map((piece) => same.subarray(0, piece.length));
    await writeBlocks(lines, ledger, offset, data);
  }

  function toRequests(offset: number, length: number, flags: number): WriteRequest[] {
    return piecesOf(offset, length, ZERO_BYTES).map(
      (piece) => new WriteRequest({ command: CMD.WRITE_ZEROES, flags, ...piece }, [], ledger),
    );
  }

  return async (offset: number, length: number, { unmap = true, fast = false }: ZeroOptions): Promise<void> => {
    if ((lines.offer.flags & FLAG.SEND_WRITE_ZEROES) === 0) return write(offset, length);
    const flags = unmap ? 0 : CMD_FLAG.NO_HOLE;
    if (!fast) return askAll(lines, toRequests(offset, length, flags));
    // Only the first may be refused: nothing may have changed then.
    const first = Math.min(length, ZERO_BYTES);
    await askAll(lines, toRequests(offset, first, flags | CMD_FLAG.FAST_ZERO));
    await askAll(lines, toRequests(offset + first, length - first, flags));
  };
}
