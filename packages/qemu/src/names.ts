import type { Mark } from "./live-contract.ts";
import { beforeOf } from "./machine-before.ts";

/** What in a QEMU is ours says so by its name, and whose: exports and dirty bitmaps. A dot parts the words, and no migration's id has one. */
export type OurName =
  /** The export of a disk, from before its bitmaps until the end: it keeps the disk from being resized. */
  | { readonly is: "disk"; readonly disk: number }
  /** The export by which one pass asks what was written. */
  | { readonly is: "pass"; readonly pass: number; readonly disk: number }
  /** A bitmap of what is written. */
  | { readonly is: "writes"; readonly pass: number }
  /** A bitmap that is never enabled: its name is what it says. */
  | { readonly is: "mark"; readonly mark: Mark }
  /** Likewise: the NBD server is ours, and this process asked for it. `start`: the kernel's clock ticks when that process began. */
  | { readonly is: "server"; readonly pid: number; readonly start: string };

const PREFIX = "blkmig";
const MARKS: readonly string[] = ["stopped", "asked", "moved", "machine"] satisfies readonly Mark[];

const isMark = (word: string): word is Mark => MARKS.includes(word) || beforeOf(word) !== undefined;

export function formatName(migration: string, name: OurName): string {
  return [PREFIX, migration, name.is, ...wordsOf(name)].join(".");
}

function wordsOf(name: OurName): readonly (string | number)[] {
  switch (name.is) {
    case "disk":
      return [name.disk];
    case "pass":
      return [name.pass, name.disk];
    case "writes":
      return [name.pass];
    case "mark":
      return [name.mark];
    case "server":
      return [name.pid, name.start];
  }
}

/** Undefined for whatever is none of ours. */
export function parseName(text: string): { readonly migration: string; readonly name: OurName } | undefined {
  const [prefix, migration, is, first, second, ...more] = text.split(".");
  if (prefix !== PREFIX || !migration || is === undefined || first === undefined || more.length > 0) return undefined;
  const name = nameOf(is, first, second);
  return name && formatName(migration, name) === text ? { migration, name } : undefined;
}

function nameOf(is: string, first: string, second: string | undefined): OurName | undefined {
  switch (is) {
    case "disk":
      return { is, disk: Number(first) };
    case "pass":
      return { is, pass: Number(first), disk: Number(second) };
    case "writes":
      return { is, pass: Number(first) };
    case "mark":
      return isMark(first) ? { is, mark: first } : undefined;
    case "server":
      return { is, pid: Number(first), start: second ?? "" };
    default:
      return undefined;
  }
}
