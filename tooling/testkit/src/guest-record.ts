import { crc32 } from "node:zlib";

import { createRandom } from "./seeded-random.ts";

const MAGIC = 0x67_75_65_73;
const HEADER = 24;

/** The least that a record takes: its header. */
export const SMALLEST_RECORD: number = HEADER;

/** A record that says what it is and where it belongs: whoever has only the bytes can judge them. Given. */
export function encodeRecord(sequence: number, offset: number, length: number): Uint8Array {
  const record = new Uint8Array(length);
  const view = new DataView(record.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, length);
  view.setBigUint64(8, BigInt(offset));
  view.setUint32(16, sequence);
  record.set(createRandom(sequence).bytes(length - HEADER), HEADER);
  view.setUint32(20, crc32(record));
  return record;
}

/** What is wrong with bytes that should be the record of this sequence number at this place, or nothing. */
export function judgeRecord(bytes: Uint8Array, sequence: number, offset: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.every((byte) => byte === 0)) return "zeros, no record";
  if (view.getUint32(0) !== MAGIC) return "no record";
  if (view.getBigUint64(8) !== BigInt(offset)) return `the record that belongs at ${view.getBigUint64(8)}`;
  const found = view.getUint32(16);
  if (found !== sequence) return `record ${found}, ${found < sequence ? "older" : "newer"} than ${sequence}`;
  if (Buffer.compare(bytes, encodeRecord(sequence, offset, bytes.length)) !== 0) return "a torn record";
  return undefined;
}
