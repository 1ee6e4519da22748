import { closeSync, openSync, writeSync } from "node:fs";

import { expect, it } from "vitest";

import { checkRecords, recordBytes, slotOf } from "./guest-records.ts";
import { makeGarbageDisk } from "./make-disk.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const SLOTS = 512;
const RECORD = 4096;

/** A disk full of garbage with these records on it, and then with what `spoil` does to it. */
function diskWith(numbers: readonly number[], spoil: (write: (bytes: Uint8Array, at: number) => void) => void): string {
  const disk = makeGarbageDisk(temporaryFolder()("disk"), SLOTS * RECORD);
  const file = openSync(disk, "r+");
  const write = (bytes: Uint8Array, at: number): void => void writeSync(file, bytes, 0, bytes.length, at);
  for (const number of numbers) write(recordBytes(number, slotOf(number, SLOTS)), slotOf(number, SLOTS) * RECORD);
  spoil(write);
  closeSync(file);
  return disk;
}

const oneTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);

it("whole records are intact, also when they have begun to replace one another", async () => {
  const whole = { corrupt: [], missing: [] };
  expect(await checkRecords(diskWith([], () => undefined))).toEqual({ ...whole, intact: 0, newest: 0 });
  expect(await checkRecords(diskWith(oneTo(40), () => undefined))).toEqual({ ...whole, intact: 40, newest: 40 });
  expect(await checkRecords(diskWith(oneTo(700), () => undefined))).toEqual({ ...whole, intact: SLOTS, newest: 700 });
});

it("one wrong byte, at the end too, is corrupt", async () => {
  const slot = slotOf(7, SLOTS);
  const disk = diskWith(oneTo(40), (write) => write(Uint8Array.of(0), slot * RECORD + RECORD - 1));
  expect(await checkRecords(disk)).toEqual({ intact: 39, corrupt: [slot], missing: [7], newest: 40 });
});

it("a record that stands in another one's place is corrupt", async () => {
  const slot = slotOf(7, SLOTS);
  const disk = diskWith(oneTo(40), (write) => write(recordBytes(8, slotOf(8, SLOTS)), slot * RECORD));
  expect(await checkRecords(disk)).toEqual({ intact: 39, corrupt: [slot], missing: [7], newest: 40 });
});

it("a record that was lost, or replaced by the one before it there, is missing", async () => {
  const lost = oneTo(40).filter((number) => number !== 39);
  expect(await checkRecords(diskWith(lost, () => undefined))).toMatchObject({ missing: [39], newest: 40 });
  const stale = oneTo(700).filter((number) => number !== 600);
  expect(await checkRecords(diskWith(stale, () => undefined))).toMatchObject({ missing: [600], corrupt: [] });
});
