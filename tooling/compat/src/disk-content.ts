import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { createRandom } from "@blkmig/testkit";

import type { GuestWrite, Scenario, ScenarioDisk } from "./scenario.ts";

const SECTOR = 512;
const STEP = 4096;
const GARBAGE = 0xe5;

/** Sectors that all differ, and compress well. Fixtures depend on every byte of it: their checksums tell of a change. */
function sectors(seed: number, length: number): Uint8Array {
  const random = createRandom(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += SECTOR) {
    bytes.fill(1 + random.int(255), at, at + SECTOR);
    bytes.set(random.bytes(8), at);
  }
  return bytes;
}

/** A disk as it is before the migration: about half of it data. What is not is a hole. */
export async function openOrigin({ name, size, seed }: ScenarioDisk): Promise<BlockDevice> {
  const device = createMemoryDevice({ name, size });
  const random = createRandom(seed);
  for (let at = 0; at < size; at += STEP) {
    const isData = random.int(2) === 0;
    if (isData) await device.write(at, [sectors(seed + at, Math.min(STEP, size - at))]);
  }
  return device;
}

/** The target as it is before the migration. */
export async function openTarget(disk: ScenarioDisk): Promise<BlockDevice> {
  const device = createMemoryDevice({ name: disk.name, size: disk.size, fill: GARBAGE });
  if (disk.target === "garbage") return device;
  const bytes = await contentOf(await openOrigin(disk));
  const random = createRandom(disk.seed + 1);
  for (let at = 0; at < disk.size; at += STEP) {
    if (random.int(4) === 0) bytes.fill(GARBAGE, at, at + SECTOR);
  }
  await device.write(0, [bytes]);
  return device;
}

/** What the guest writes; "zero" where it is to read as zero. */
export const writtenBy = ({ seed, length }: GuestWrite): Uint8Array | "zero" =>
  seed === 0 ? "zero" : sectors(seed, length);

/** Every disk as it is when the guest has written all that it does. */
export async function finalContents({ disks, guest }: Scenario): Promise<Uint8Array[]> {
  const contents: Uint8Array[] = [];
  for (const [index, disk] of disks.entries()) {
    const bytes = await contentOf(await openOrigin(disk));
    for (const write of guest.flat()) {
      const data = writtenBy(write);
      if (write.disk === index) bytes.set(data === "zero" ? new Uint8Array(write.length) : data, write.offset);
    }
    contents.push(bytes);
  }
  return contents;
}

export async function contentOf(device: BlockDevice): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.size);
  await device.read(0, bytes);
  return bytes;
}
