import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";

import type { BlockDevice } from "@blkmig/device";
import { createRandom } from "@blkmig/testkit";

export const RECORD_BYTES = 4096;
const HEAD_BYTES = 16;
const MAGIC = 0x6c697665;

/** A guest that writes checked records all along, and knows which were acknowledged. */
export interface CheckedGuest {
  /** Records that were answered. */
  readonly acknowledged: number;
  /** What a request of its failed with, if one has. */
  readonly failure: Error | undefined;
  /** Settles when so many more have been answered. */
  more(records: number): Promise<void>;
  /** Begins no more, and waits for those under way. */
  stop(): Promise<void>;
  /** Begins no more, and waits for nobody. */
  abandon(): void;
  /** What a disk lacks, has in excess, or has torn: empty if it holds every record that was answered. */
  missingIn(path: string): readonly string[];
}

/** Writes with `writers` requests under way at once, each in slots of its own; reads back now and then, and flushes. */
export function startCheckedGuest(disk: BlockDevice, { writers = 4, seed = 7 } = {}): CheckedGuest {
  const slots = Math.floor(disk.size / RECORD_BYTES);
  const answered = new Map<number, number>();
  const begun = new Map<number, number>();
  const waiting: { readonly at: number; readonly wake: () => void }[] = [];
  let acknowledged = 0;
  let number = 0;
  let failure: Error | undefined;
  let isOver = false;

  const wake = (): void => {
    for (const each of waiting.splice(0)) {
      if (failure !== undefined || acknowledged >= each.at) each.wake();
      else waiting.push(each);
    }
  };

  const writeOne = async (slot: number): Promise<void> => {
    const mine = ++number;
    begun.set(slot, mine);
    await disk.write(slot * RECORD_BYTES, [recordOf(mine, slot)]);
    answered.set(slot, mine);
    acknowledged++;
    wake();
  };

  const readOne = async (slot: number): Promise<void> => {
    const into = new Uint8Array(RECORD_BYTES);
    await disk.read(slot * RECORD_BYTES, into);
    const wrong = wrongIn(into, slot);
    if (wrong !== undefined) throw new Error(`read through the server: ${wrong}`);
  };

  /** What is in a slot, measured by what was answered. */
  const wrongIn = (bytes: Uint8Array, slot: number): string | undefined => {
    const expected = answered.get(slot);
    if (expected === undefined) return undefined;
    const found = numberIn(bytes, slot);
    if (found === undefined) return `slot ${slot}: torn, or never written; record ${expected} was answered`;
    if (found < expected) return `slot ${slot}: record ${found}, and ${expected} was answered`;
    return found > (begun.get(slot) ?? 0) ? `slot ${slot}: record ${found} was never written` : undefined;
  };

  const write = async (writer: number): Promise<void> => {
    const random = createRandom(seed + writer);
    const ownSlots = Math.floor(slots / writers);
    while (!isOver && failure === undefined) {
      const slot = random.int(ownSlots) * writers + writer;
      await writeOne(slot);
      if (random.int(8) === 0) await readOne(slot);
      if (random.int(32) === 0) await disk.flush();
      await new Promise((resolve) => setImmediate(resolve)); // in this process everybody else has work to do, too
    }
  };
  const work = Promise.all(
    Array.from({ length: writers }, (_, writer) =>
      write(writer).catch((error: unknown) => {
        failure ??= error as Error;
        wake();
      }),
    ),
  );

  return {
    get acknowledged() {
      return acknowledged;
    },
    get failure() {
      return failure;
    },
    async more(records) {
      const at = acknowledged + records;
      await new Promise<void>((resolve) => {
        waiting.push({ at, wake: resolve });
        wake();
      });
      if (failure !== undefined) throw failure;
    },
    async stop() {
      isOver = true;
      await work;
    },
    abandon() {
      isOver = true;
    },
    missingIn(path) {
      const bytes = readFileSync(path);
      return [...answered.keys()].flatMap((slot) => {
        const wrong = wrongIn(bytes.subarray(slot * RECORD_BYTES, (slot + 1) * RECORD_BYTES), slot);
        return wrong === undefined ? [] : [wrong];
      });
    },
  };
}

/** What is written into a slot as the record of that number. */
export function recordOf(number: number, slot: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES, number & 0xff);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(number, 4);
  record.writeUInt32LE(slot, 8);
  record.writeUInt32LE(0, 12);
  record.writeUInt32LE(crc32(record), 12);
  return record;
}

/** Which record of a slot that is; undefined if it is torn, or none of its. */
export function numberIn(bytes: Uint8Array, slot: number): number | undefined {
  const record = Buffer.from(bytes);
  const sum = record.readUInt32LE(12);
  record.writeUInt32LE(0, 12);
  const isWhole = record.readUInt32LE(0) === MAGIC && record.readUInt32LE(8) === slot && crc32(record) === sum;
  return isWhole && record.length > HEAD_BYTES ? record.readUInt32LE(4) : undefined;
}
