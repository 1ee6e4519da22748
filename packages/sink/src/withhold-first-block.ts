import { type BlockDevice, checkExtent, DeviceError, type Extent, type Segments } from "@blkmig/device/memory";

import { isAllZero } from "./all-zero.ts";

const MOST_BYTES = 1024 * 1024;

/** How much is withheld, and where it is kept meanwhile. */
export interface WithholdOptions {
  /** Bytes from the disk's start that are withheld: 1 MiB (or the whole of a smaller disk) unless told. */
  readonly length?: number;
  /** Makes the withheld bytes durable elsewhere, borrowed until it settles. */
  readonly save: (bytes: Uint8Array) => Promise<void>;
}

/** A disk whose first bytes are kept from it until they are released. */
export interface WithheldFirstBlock {
  /** The disk as its writer sees it; it closes the disk beneath. */
  readonly device: BlockDevice;
  /** Makes the withheld bytes durable elsewhere. */
  keep(): Promise<void>;
  /** The withheld bytes go on the disk, durably, and are read back: an `io` error where it has kept others. Twice is once. */
  release(): Promise<void>;
}

/**
 * A disk whose first bytes are kept in memory until `release()`: meanwhile that part of the disk is zero, durably so before
 * anything else is written, and so an unfinished disk boots nowhere. What was there is lost. Everybody who reads or asks
 * through `device` sees the withheld bytes, at first what was on the disk. Memory: `length` bytes, twice that during `release()`.
 */
export function withholdFirstBlock(disk: BlockDevice, { length, save }: WithholdOptions): WithheldFirstBlock {
  const end = Math.min(length ?? MOST_BYTES, disk.size);
  let emptied: Promise<Uint8Array> | undefined; // gives the withheld bytes
  let isReleased = false;
  let isClosed = false;
  const underWay = new Set<Promise<void>>();

  /** Once: reads what is there, then takes it off the disk. */
  const empty = async (): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end);
    await disk.read(0, bytes);
    await disk.zero(0, end);
    await disk.flush(); // before any other write, or a crash might leave a disk that boots and is not whole
    return bytes;
  };

  const withheld = async (): Promise<Uint8Array> => (emptied ??= empty());

  /** The withheld bytes while they are withheld; undefined before the first write, and after the release. */
  const inMemory = async (): Promise<Uint8Array | undefined> => (isReleased ? undefined : emptied);

  const write = async (offset: number, data: Segments): Promise<void> => {
    if (isReleased) return disk.write(offset, data);
    checkExtent(disk.name, disk.size, offset, lengthOf(data)); // as a whole, before a byte of it is kept here
    const bytes = await withheld();
    const [here, beyond] = split(data, Math.max(0, end - offset));
    if (beyond.length > 0) await disk.write(Math.max(offset, end), beyond);
    let at = offset;
    for (const segment of here) {
      bytes.set(segment, at);
      at += segment.length;
    }
  };

  const zero: BlockDevice["zero"] = async (offset, bytes, options) => {
    if (isReleased) return disk.zero(offset, bytes, options);
    checkExtent(disk.name, disk.size, offset, bytes);
    const memory = await withheld();
    const here = Math.max(0, Math.min(bytes, end - offset));
    if (here < bytes) await disk.zero(offset + here, bytes - here, options);
    memory.fill(0, offset, offset + here);
  };

  const read = async (offset: number, into: Uint8Array): Promise<void> => {
    const memory = await inMemory();
    await disk.read(offset, into);
    if (memory && offset < end) into.set(memory.subarray(offset, Math.min(end, offset + into.length)));
  };

  async function* extents(offset: number, bytes: number): AsyncGenerator<Extent, void, void> {
    if (isClosed) throw new DeviceError("closed", disk.name, "used after close()");
    const memory = await inMemory();
    const here = memory ? Math.max(0, Math.min(bytes, end - offset)) : 0;
    if (memory && here > 0) {
      const isZero = isAllZero(memory.subarray(offset, offset + here));
      yield { offset, length: here, zero: isZero, allocated: !isZero };
    }
    if (here < bytes) yield* disk.extents(offset + here, bytes - here);
  }

  /** One request takes several of the disk's: closing waits for the last of them. */
  const request = async (act: () => Promise<void>): Promise<void> => {
    if (isClosed) throw new DeviceError("closed", disk.name, "used after close()");
    const done = act();
    underWay.add(done);
    await done.finally(() => underWay.delete(done));
  };

  const release = async (): Promise<void> => {
    const bytes = await inMemory();
    if (!bytes) return; // nothing was written, so nothing was taken off the disk
    await landFirstBlock(disk, bytes);
    isReleased = true; // not before: if this fails, the bytes are still only here
  };

  return {
    device: {
      name: disk.name,
      size: disk.size,
      readOnly: disk.readOnly,
      read: async (offset, into) => request(async () => read(offset, into)),
      write: async (offset, data) => request(async () => write(offset, data)),
      zero: async (offset, bytes, how) => request(async () => zero(offset, bytes, how)),
      extents,
      flush: async () => request(async () => disk.flush()),
      async close() {
        isClosed = true;
        await Promise.allSettled(underWay);
        await disk.close();
      },
    },
    async keep() {
      const bytes = await inMemory();
      if (bytes) await save(bytes);
    },
    release,
  };
}

/**
 * Puts withheld bytes on their disk, durably, and reads them back: whoever read them before was given those in memory. Throws
 * `DeviceError`: `io` where the disk has kept others.
 */
export async function landFirstBlock(disk: BlockDevice, bytes: Uint8Array): Promise<void> {
  await disk.write(0, [bytes]);
  await disk.flush();
  const found = new Uint8Array(bytes.length);
  await disk.read(0, found);
  const offset = bytes.findIndex((byte, at) => byte !== found[at]);
  if (offset < 0) return;
  throw new DeviceError("io", disk.name, "it has kept other bytes than its first block was given", { offset });
}

/** The first `length` bytes, and those behind them, as views. */
function split(data: Segments, length: number): readonly [Segments, Segments] {
  const first: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  let left = length;
  for (const segment of data) {
    if (left > 0) first.push(segment.subarray(0, left));
    if (segment.length > left) rest.push(segment.subarray(left));
    left = Math.max(0, left - segment.length);
  }
  return [first, rest];
}

const lengthOf = (data: Segments): number => data.reduce((sum, { length }) => sum + length, 0);
