import type { BlockDevice } from "@blkmig/device";

import { type Run, runsToCompare } from "./runs-to-compare.ts";

const PIECE_BYTES = 1024 * 1024;
const AT_ONCE = 4;

export interface CompareOptions {
  readonly signal: AbortSignal;
  /** Told how many bytes from the disks' start have been dealt with, about. */
  readonly onProgress: (offset: number) => void;
}

/** The first byte in which two disks of one size differ; undefined if they are equal. Throws `DeviceError`. */
export async function firstDifference(
  a: BlockDevice,
  b: BlockDevice,
  options: CompareOptions,
): Promise<number | undefined> {
  const { signal, onProgress } = options;
  const runs = runsToCompare(a, b, PIECE_BYTES);
  let first: number | undefined;

  const compareRuns = async (): Promise<void> => {
    const pieces = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const;
    // Runs are begun in order: when a difference is known, all before it are begun, and are waited for.
    while (first === undefined && !signal.aborted) {
      const { value: run, done } = await runs.next();
      if (done) return;
      const found = await differenceIn(a, b, run, pieces);
      if (found !== undefined && found < (first ?? Infinity)) first = found;
      onProgress(run.offset + run.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, compareRuns));
  return first;
}

async function differenceIn(
  a: BlockDevice,
  b: BlockDevice,
  { offset, length }: Run,
  pieces: readonly [Uint8Array, Uint8Array],
): Promise<number | undefined> {
  const left = pieces[0].subarray(0, length);
  const right = pieces[1].subarray(0, length);
  await Promise.all([a.read(offset, left), b.read(offset, right)]);
  if (Buffer.compare(left, right) === 0) return undefined;
  return offset + left.findIndex((byte, at) => byte !== right[at]);
}
