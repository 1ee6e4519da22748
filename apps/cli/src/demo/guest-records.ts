import { crc32 } from "node:zlib";

import type { BlockDevice } from "@blkmig/device";

/** Bytes of one record: a head that says where and when it was written, and a body that the head's checksum covers. */
export const RECORD_BYTES: number = 64 * 1024;
const HEAD_BYTES = 32;
const MAGIC = "blkmig demo 1\0\0\0";

/** Where on a disk the guest writes. The rest is a file system, and stays as it is. */
export interface GuestArea {
  readonly offset: number;
  readonly length: number;
}

/** A guest that writes one checked record after the other, at random places of its area. */
export interface RecordWriter {
  /** Writes the next record; settles when the disk has answered. */
  writeNext(): Promise<void>;
  /** How many were answered, and the number of the last one. */
  readonly answered: number;
  readonly newest: number;
  /** Milliseconds that the slowest answer took. */
  readonly slowest: number;
}

/** `newest`: the number of the last record that is on the disk already; the next one has the next number. */
export function createRecordWriter(disk: BlockDevice, area: GuestArea, newest: number): RecordWriter {
  const record = Buffer.allocUnsafeSlow(RECORD_BYTES);
  let answered = 0;
  let slowest = 0;
  return {
    async writeNext() {
      const slot = Math.floor(Math.random() * (area.length / RECORD_BYTES));
      fillRecord(record, newest + answered + 1, slot);
      const begun = performance.now();
      await disk.write(area.offset + slot * RECORD_BYTES, [record]);
      slowest = Math.max(slowest, performance.now() - begun);
      answered++;
    },
    get answered() {
      return answered;
    },
    get newest() {
      return newest + answered;
    },
    get slowest() {
      return slowest;
    },
  };
}

function fillRecord(record: Buffer, number: number, slot: number): void {
  for (let at = HEAD_BYTES; at < RECORD_BYTES; at += 4) record.writeUInt32LE((number * 2654435761 + at) >>> 0, at);
  record.fill(0, 0, HEAD_BYTES);
  record.write(MAGIC, 0, "latin1");
  record.writeUInt32LE(number, 16);
  record.writeUInt32LE(slot, 20);
  record.writeUInt32LE(crc32(record.subarray(HEAD_BYTES)), 24);
}

/** What a disk holds of a guest's records. */
export interface RecordCheck {
  readonly intact: number;
  readonly corrupt: number;
  /** The number of the newest. */
  readonly newest: number;
}

/** Reads every place of the area: each holds an intact record, or none was ever written there. */
export async function checkRecords(disk: BlockDevice, area: GuestArea): Promise<RecordCheck> {
  const record = Buffer.allocUnsafeSlow(RECORD_BYTES);
  let intact = 0;
  let corrupt = 0;
  let newest = 0;
  for (let slot = 0; slot < area.length / RECORD_BYTES; slot++) {
    await disk.read(area.offset + slot * RECORD_BYTES, record);
    if (record.every((byte) => byte === 0)) continue;
    if (!isIntact(record, slot)) {
      corrupt++;
      continue;
    }
    intact++;
    newest = Math.max(newest, record.readUInt32LE(16));
  }
  return { intact, corrupt, newest };
}

function isIntact(record: Buffer, slot: number): boolean {
  if (record.toString("latin1", 0, 16) !== MAGIC || record.readUInt32LE(20) !== slot) return false;
  return record.readUInt32LE(24) === crc32(record.subarray(HEAD_BYTES));
}
