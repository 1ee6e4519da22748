import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Feeding } from "./target.ts";

const FOLDER = fileURLToPath(new URL("../corpus", import.meta.url));
const NAME = /^(?<target>[a-z-]+)\.(?<seed>\d+)\.(?<variant>\d+)\.bin$/u;

/** An input that once failed, and of which decoder. */
export interface BadInput extends Feeding {
  readonly target: string;
}

/** The inputs that are always fed again; their names say how: `target.seed.variant.bin`. */
export function readCorpus(): readonly BadInput[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".bin"))
    .map((name) => readBadInput(join(FOLDER, name)));
}

/** Throws `RangeError` for a file that is named otherwise. */
export function readBadInput(path: string): BadInput {
  const { target, seed, variant } = NAME.exec(basename(path))?.groups ?? {};
  if (target === undefined) throw new RangeError(`'${path}' is not called DECODER.SEED.VARIANT.bin`);
  return { target, seed: Number(seed), variant: Number(variant), bytes: new Uint8Array(readFileSync(path)) };
}

/** Writes it into a folder, which is made; gives the path. */
export function writeBadInput(folder: string, { target, seed, variant, bytes }: BadInput): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}.${seed}.${variant}.bin`);
  writeFileSync(path, bytes);
  return path;
}
