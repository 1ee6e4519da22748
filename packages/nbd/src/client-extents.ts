import type { Extent } from "@blkmig/device";

import type { Described } from "./client-reply-frame.ts";
import { STATE } from "./nbd-numbers.ts";

/** What a server said, in the words of each context that it knows, of the same bytes. */
export interface Description {
  readonly allocation: readonly Described[] | undefined;
  readonly depth: readonly Described[] | undefined;
}

/** In the top layer of a disk, above any backing file. */
const TOP = 1;

/**
 * What a description that begins at `offset` says of the bytes from `from` to `to`, as far as all of its contexts reach: neighbours of
 * one kind are one, and where the contexts have other borders, extents are split.
 */
export function extentsOf({ allocation, depth }: Description, offset: number, from: number, to: number): Extent[] {
  const extents: Extent[] = [];
  const [base, layer] = [new Runs(allocation), new Runs(depth)];
  for (let at = offset; at < to;) {
    const length = Math.min(base.left, layer.left, to - at);
    if (length === 0) break;
    const end = at + length;
    if (end > from) push(extents, Math.max(at, from), end, kindOf(base.flags, layer.flags));
    base.pass(length);
    layer.pass(length);
    at = end;
  }
  return extents;
}

/** One context's runs, one after the other; without a context one run without end, of which nothing is known. */
class Runs {
  readonly #runs: readonly Described[] | undefined;
  #index = 0;
  #passed = 0;

  constructor(runs: readonly Described[] | undefined) {
    this.#runs = runs;
  }

  get flags(): number | undefined {
    return this.#runs?.[this.#index]?.flags;
  }

  /** Bytes of the present run; 0 behind the last one. */
  get left(): number {
    return this.#runs ? (this.#runs[this.#index]?.length ?? 0) - this.#passed : Infinity;
  }

  pass(length: number): void {
    this.#passed += length;
    if (this.left > 0) return;
    this.#index += 1;
    this.#passed = 0;
  }
}

function kindOf(base: number | undefined, depth: number | undefined): { zero: boolean; allocated: boolean } {
  const state = base ?? 0;
  return {
    zero: (state & STATE.ZERO) !== 0,
    allocated: depth === undefined ? (state & STATE.HOLE) === 0 : depth === TOP,
  };
}

function push(extents: Extent[], offset: number, end: number, kind: { zero: boolean; allocated: boolean }): void {
  const last = extents.at(-1);
  const isSame = last?.zero === kind.zero && last.allocated === kind.allocated;
  if (isSame) extents[extents.length - 1] = { ...last, length: end - last.offset };
  else extents.push({ offset, length: end - offset, ...kind });
}
