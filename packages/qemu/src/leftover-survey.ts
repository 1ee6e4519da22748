import type { OurBitmap } from "./bitmap-ours.ts";
import type { Leftover } from "./leftovers-contract.ts";
import type { Mark } from "./live-contract.ts";
import { type OurName, parseName } from "./names.ts";
import type { ExportInfo } from "./qemu-answers.ts";

/** A process that asked for the NBD server: when the kernel says it began, for its number may be another's by now. */
export interface Claim {
  readonly pid: number;
  readonly start: string;
}

/** What a migration has in a QEMU; whether its process lives is not known here. */
export type Survey = Omit<Leftover, "owner"> & { readonly claims: readonly Claim[] };

/** What carries our names, by migration. */
export function surveyOf(exports: readonly ExportInfo[], bitmaps: readonly OurBitmap[]): Survey[] {
  const found = new Map<string, Found>();
  const of = (migration: string): Found => {
    const known = found.get(migration) ?? { exports: [], bitmaps: [], names: [] };
    found.set(migration, known);
    return known;
  };
  for (const { id } of exports) {
    const ours = parseName(id);
    if (ours) of(ours.migration).exports.push(id);
  }
  for (const { migration, node, text, name } of bitmaps) {
    of(migration).bitmaps.push({ node, name: text });
    of(migration).names.push(name);
  }
  return [...found].map(([migration, { exports: ids, bitmaps: had, names }]) => {
    const claims = names.flatMap(claimsOf);
    return { migration, marks: names.flatMap(marksOf), exports: ids, bitmaps: had, server: claims.length > 0, claims };
  });
}

interface Found {
  readonly exports: string[];
  readonly bitmaps: { readonly node: string; readonly name: string }[];
  readonly names: OurName[];
}

function marksOf(name: OurName): Mark[] {
  return name.is === "mark" ? [name.mark] : [];
}

function claimsOf(name: OurName): Claim[] {
  return name.is === "server" ? [{ pid: name.pid, start: name.start }] : [];
}
