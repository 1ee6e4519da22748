import type { SeededRandom } from "@blkmig/testkit";

const SECTOR = 512;

/** What disks and their guests are like in one schedule. */
export interface Shape {
  readonly name: "wide" | "hot";
  /** Bytes. */
  readonly sizes: readonly number[];
  /** Bytes of a disk that are alike at first: data, zeroes or a hole. */
  readonly grain: number;
}

const wide = (sizes: readonly number[]): Shape => ({ name: "wide", sizes, grain: 256 * 1024 });

/**
 * Disks of any kind, or small ones whose guest writes to the very same places again and again: what is open for a few
 * turns only (a write that has not landed, a granule in flight) is met by the next write hardly ever otherwise.
 */
export function drawShape(
  random: SeededRandom,
  { sizes, small }: { readonly sizes: readonly number[]; readonly small: readonly number[] },
): Shape {
  return random.int(2) === 0 ? wide(sizes) : { name: "hot", sizes: small, grain: 16 * 1024 };
}

/** The bytes at which a guest of this shape writes; none: anywhere. */
export function spotsOf({ name }: Shape, random: SeededRandom, size: number): readonly number[] | undefined {
  if (name === "wide") return undefined;
  return Array.from({ length: 1 + random.int(6) }, () => random.int(size / SECTOR) * SECTOR);
}

/** How many requests each of a guest's processors makes. */
export const requestsOf = ({ name }: Shape, random: SeededRandom): number =>
  name === "wide" ? 3 + random.int(12) : 10 + random.int(40);
