import type { BlockDevice } from "@blkmig/device";

const SECTOR = 512;

/** What a guest knows of its disk: what it was told that it had written. */
export interface GuestShadow {
  /** These bytes may be old, new, or in part: their write was not answered, or with an error. */
  unsure(start: number, end: number): void;
  /** These bytes are this value. */
  sure(start: number, end: number, value: number): void;
  /** Whether bytes that were read there can be what was written. */
  agrees(start: number, bytes: Uint8Array): boolean;
}

/** Begins with what is on the disk. The guest counts in sectors. */
export async function createGuestShadow(disk: BlockDevice): Promise<GuestShadow> {
  const expected = Buffer.alloc(disk.size);
  await disk.read(0, expected);
  const unknown = new Uint8Array(disk.size / SECTOR);
  return {
    unsure: (start, end) => void unknown.fill(1, start / SECTOR, end / SECTOR),
    sure(start, end, value) {
      unknown.fill(0, start / SECTOR, end / SECTOR);
      expected.fill(value, start, end);
    },
    agrees(start, bytes) {
      const end = start + bytes.length;
      const wanted = expected.subarray(start, end);
      if (wanted.equals(bytes)) return true;
      for (let at = start; at < end; at += SECTOR) {
        if (unknown[at / SECTOR] === 1) continue;
        const sector = bytes.subarray(at - start, at - start + SECTOR);
        if (!expected.subarray(at, at + SECTOR).equals(sector)) return false;
      }
      return true;
    },
  };
}
