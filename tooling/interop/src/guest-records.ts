import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import type { Entries, Journal } from "./journal.ts";

/** What guest-init.sh has left on a disk. */
export interface Records {
  /** How many records are whole. */
  readonly intact: number;
  /** Places that hold part of a record, or another place's record. */
  readonly corrupt: readonly number[];
  /** Numbers up to the newest that should stand on the disk and do not. */
  readonly missing: readonly number[];
  /** The highest number of a whole record; 0 for none. */
  readonly newest: number;
}

const RECORD = 4096;
const STRIDE = 7919;
const MAGIC = "blkmig record ";
const CHUNK = 1024 * RECORD;

/** Reads a whole disk and judges every record on it. A disk that a guest still writes to may be judged wrongly. */
export async function checkRecords(path: string): Promise<Records> {
  const file = await open(path);
  try {
    const slots = Math.floor((await file.stat()).size / RECORD);
    const found = new Set<number>();
    const corrupt: number[] = [];
    const chunk = Buffer.alloc(CHUNK);
    for (let first = 0; first < slots; first += CHUNK / RECORD) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, first * RECORD);
      for (let at = 0; at + RECORD <= bytesRead; at += RECORD) {
        const number = numberOf(chunk.subarray(at, at + RECORD), first + at / RECORD, slots);
        if (number === "corrupt") corrupt.push(first + at / RECORD);
        else if (number !== "none") found.add(number);
      }
    }
    return { intact: found.size, corrupt, ...gapsIn(found, slots) };
  } finally {
    await file.close();
  }
}

function numberOf(bytes: Buffer, slot: number, slots: number): number | "none" | "corrupt" {
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return "none";
  const number = Number.parseInt(bytes.toString("latin1", MAGIC.length, 64), 10);
  const isHere = slotOf(number, slots) === slot;
  return isHere && bytes.equals(recordBytes(number, slot)) ? number : "corrupt";
}

/** Where a record stands, counted in records, on a disk that has room for so many. */
export function slotOf(number: number, slots: number): number {
  return (number * STRIDE) % slots;
}

/** The bytes of one record: what `record` in guest-init.sh prints. */
export function recordBytes(number: number, slot: number): Buffer {
  const body = `${`blkmig record ${number} in slot ${slot}`.padEnd(63)}\n`.repeat(63);
  const sum = createHash("md5").update(body).digest("hex");
  return Buffer.from(`${body}${`md5 ${sum}`.padEnd(63)}\n`, "latin1");
}

function gapsIn(found: ReadonlySet<number>, slots: number): Pick<Records, "missing" | "newest"> {
  let newest = 0;
  for (const number of found) newest = Math.max(newest, number);
  const missing: number[] = [];
  // After as many records as there are places, the newest stands where the oldest stood.
  for (let number = Math.max(1, newest - slots + 1); number <= newest; number++) {
    if (!found.has(number)) missing.push(number);
  }
  return { missing, newest };
}

/** The numbers of the records of which a guest has said that they are durable. */
export function recordsTold(serial: Entries<string>): readonly number[] {
  return serial.entries.flatMap((line) => (/^record \d+$/.test(line) ? [Number(line.slice("record ".length))] : []));
}

/** What a guest says of its disk when something is wrong: writes that failed, records that read back otherwise. */
export function complaints(serial: Entries<string>): readonly string[] {
  return serial.entries.filter((line) => /^(?:failed|lost) record /.test(line));
}

/** Waits until the guest has said that this record, or a later one, is durable. */
export async function untilRecord(serial: Journal<string>, number: number): Promise<void> {
  await serial.until((line) => line.startsWith("record ") && Number(line.slice("record ".length)) >= number);
}
