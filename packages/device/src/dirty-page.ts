/** How many granules one page of bits holds: 1 KiB of words, so that one mark in a clean place costs little. */
export const PAGE_GRANULES = 8192;

/** A page in which some granules are marked and some are not: one bit each. */
export interface Page {
  readonly kind: "page";
  readonly words: Uint32Array;
  /** How many are marked. */
  marked: number;
}

/** A page whose first `granules` are all marked, or of which none is. */
export function createPage(granules: number, marked: boolean): Page {
  const words = new Uint32Array(PAGE_GRANULES / 32);
  if (marked) words.fill(0xffff_ffff);
  return { kind: "page", words, marked: marked ? granules : 0 };
}

/** Marks or clears the granules from `from` up to `to`. */
export function fillPage(page: Page, from: number, to: number, marked: boolean): void {
  for (let index = from >>> 5; index << 5 < to; index++) {
    const mask = maskOf(Math.max(from - (index << 5), 0), Math.min(to - (index << 5), 32));
    const before = page.words[index] ?? 0;
    page.marked += marked ? countBits(mask & ~before) : -countBits(mask & before);
    page.words[index] = marked ? before | mask : before & ~mask;
  }
}

/** The first granule at or after `from` that is marked (or is not), or `granules` if there is none. */
export function seekPage(page: Page, granules: number, from: number, marked: boolean): number {
  for (let index = from >>> 5; index << 5 < granules; index++) {
    const word = page.words[index] ?? 0;
    const wanted = (marked ? word : ~word) & maskOf(Math.max(from - (index << 5), 0), 32);
    // A hit behind the disk's last granule is none.
    if (wanted !== 0) return Math.min((index << 5) + lowestBit(wanted), granules);
  }
  return granules;
}

/** Ones at the bits from `from` up to `to`, 0 ≤ from < to ≤ 32. A shift by 32 shifts by nothing, hence from the top. */
function maskOf(from: number, to: number): number {
  return (0xffff_ffff << from) & (0xffff_ffff >>> (32 - to));
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Bits set in a word: summed in pairs, then nibbles, then bytes. */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
