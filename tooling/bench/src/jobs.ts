import { PIECE } from "./make-disk.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;

/** Something to copy. */
export interface Job {
  /** As `--jobs` names it. */
  readonly name: string;
  readonly title: string;
  readonly disks: number;
  /** Of each disk. */
  readonly bytes: number;
  /** Of each disk: which pieces of `PIECE` bytes hold random data. The rest are holes. */
  readonly pieces: readonly number[];
}

/** All jobs. A scale of 0.1 makes each a tenth as large. */
export function copyJobs(scale: number): readonly Job[] {
  const small = scaled(256 * MiB, scale);
  const large = scaled(GiB, scale);
  return [
    dense("dense", 1, scaled(2 * GiB, scale)),
    spread("sparse", scaled(8 * GiB, scale), scaled(0.8 * GiB, scale)),
    spread("holes-256M", scaled(TiB, scale), small),
    dense("holes-256M-alone", 1, small),
    spread("holes-1G", scaled(TiB, scale), large),
    dense("holes-1G-alone", 1, large),
    dense("ten", 10, scaled(256 * MiB, scale)),
  ];
}

/** Bytes that its disks hold. */
export const dataBytesOf = ({ disks, pieces }: Job): number => disks * pieces.length * PIECE;

export const isDense = ({ bytes, pieces }: Job): boolean => pieces.length * PIECE === bytes;

function scaled(bytes: number, scale: number): number {
  return Math.max(1, Math.round((bytes * scale) / PIECE)) * PIECE;
}

function dense(name: string, disks: number, bytes: number): Job {
  const what =
    disks === 1 ? `${sizeOf(bytes)} of random data` : `${disks} disks at once, each ${sizeOf(bytes)} of random data`;
  return { name, title: what, disks, bytes, pieces: Array.from({ length: bytes / PIECE }, (_, piece) => piece) };
}

function spread(name: string, bytes: number, data: number): Job {
  const title = `${sizeOf(bytes)} of holes with ${sizeOf(data)} of random data in pieces of 1 MiB`;
  return { name, title, disks: 1, bytes, pieces: spreadPieces(bytes / PIECE, data / PIECE) };
}

/** One piece in each of `count` equal stretches of the disk, somewhere in it: the same places in every run. */
function spreadPieces(all: number, count: number): readonly number[] {
  const random = pseudoRandom();
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [Math.floor((index * all) / count), Math.floor(((index + 1) * all) / count)];
    return from + Math.floor(random() * (to - from));
  });
}

/** A linear congruential generator (Numerical Recipes' numbers), from a fixed seed. */
function pseudoRandom(): () => number {
  let state = 20_260_101;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** As people say it: "2 GiB", "819 MiB". */
export function sizeOf(bytes: number): string {
  const [unit, name] = bytes >= TiB ? [TiB, "TiB"] : bytes >= GiB ? [GiB, "GiB"] : [MiB, "MiB"];
  return `${Number((bytes / unit).toFixed(1))} ${name}`;
}
