import type { BlockDevice, Extent } from "@blkmig/device";

/** Bytes of both disks that must be read to know whether they are equal. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/** Where not both disks are known to be zero, in order, in pieces of at most `most` bytes. The disks are of one size. */
export async function* runsToCompare(a: BlockDevice, b: BlockDevice, most: number): AsyncGenerator<Run> {
  const ofA = a.extents(0, a.size)[Symbol.asyncIterator]();
  const ofB = b.extents(0, b.size)[Symbol.asyncIterator]();
  let inA: Extent | undefined;
  let inB: Extent | undefined;
  for (let offset = 0; offset < a.size;) {
    inA = await extentAt(offset, inA, ofA);
    inB = await extentAt(offset, inB, ofB);
    const end = Math.min(endOf(inA), endOf(inB));
    const isZero = inA.zero && inB.zero;
    const length = isZero ? end - offset : Math.min(end - offset, most);
    if (!isZero) yield { offset, length };
    offset += length;
  }
}

async function extentAt(offset: number, current: Extent | undefined, more: AsyncIterator<Extent>): Promise<Extent> {
  if (current && endOf(current) > offset) return current;
  const next = await more.next();
  if (next.done) throw new Error(`the extents of a disk end at ${offset}, before its end`);
  return next.value;
}

const endOf = ({ offset, length }: Extent): number => offset + length;
