import { randomFillSync } from "node:crypto";

export const SECTOR = 4096;

/** Sectors that are written at random, each with what nothing else has: its own number, and the write's. */
export interface Sectors {
  /** Makes a sector's new content, in memory that is the caller's until `landed()`. No sector has two writes under way. */
  begin(): { readonly sector: number; readonly bytes: Uint8Array };
  landed(sector: number, bytes: Uint8Array): void;
  /** What was written there last; undefined where nothing was. */
  expected(sector: number): Uint8Array | undefined;
  /** Up to this many sectors, none twice: half of them written ones, as far as there are any, and the rest anywhere. */
  sample(count: number): readonly number[];
}

/** Of a disk of `count` sectors. */
export function createSectors(count: number): Sectors {
  const written = new Uint32Array(count); // the number of the last write; 0: none
  const underWay = new Set<number>();
  const free: Uint8Array[] = [];
  const filling = randomFillSync(new Uint8Array(SECTOR));
  let writes = 0;

  const anywhere = (): number => Math.floor(Math.random() * count);
  const fill = (bytes: Uint8Array, sector: number, write: number): Uint8Array => {
    const words = new DataView(bytes.buffer, bytes.byteOffset);
    for (const at of [0, SECTOR - 8]) {
      words.setUint32(at, sector);
      words.setUint32(at + 4, write);
    }
    return bytes;
  };

  return {
    begin() {
      let sector = anywhere();
      while (underWay.has(sector)) sector = anywhere();
      underWay.add(sector);
      written[sector] = ++writes;
      return { sector, bytes: fill(free.pop() ?? filling.slice(), sector, writes) };
    },
    landed(sector, bytes) {
      underWay.delete(sector);
      free.push(bytes);
    },
    expected(sector) {
      const write = written[sector]!;
      return write === 0 ? undefined : fill(filling.slice(), sector, write);
    },
    sample(wanted) {
      const chosen = new Set<number>();
      const start = anywhere();
      for (let step = 0; step < count && chosen.size < wanted / 2; step++) {
        const sector = (start + step * 7919) % count; // a prime: all over the disk
        if (written[sector] !== 0) chosen.add(sector);
      }
      while (chosen.size < Math.min(wanted, count)) chosen.add(anywhere());
      return [...chosen];
    },
  };
}
