/** Which bytes of a request were answered: chunks come in any order, and none may come twice or be missing. */
export class Coverage {
  /** In order, apart from each other; neighbours are one. */
  readonly #runs: { from: number; to: number }[] = [];

  /** False: some of it was there before. */
  add(from: number, to: number): boolean {
    const at = this.#firstEndingAtOrAfter(from);
    const [before, after] = [this.#runs[at], this.#runs[at + 1]];
    if (before?.to === from) return this.#append(at, before, after, to);
    if (before && before.from < to) return false;
    if (before?.from === to) before.from = from;
    else this.#runs.splice(at, 0, { from, to });
    return true;
  }

  /** Whether all from 0 to `length` is there. */
  isWhole(length: number): boolean {
    const [run] = this.#runs;
    return this.#runs.length === 1 && run?.from === 0 && run.to === length;
  }

  #append(at: number, before: { to: number }, after: { from: number; to: number } | undefined, to: number): boolean {
    if (after && after.from < to) return false;
    before.to = to;
    if (after?.from !== to) return true;
    before.to = after.to;
    this.#runs.splice(at + 1, 1);
    return true;
  }

  #firstEndingAtOrAfter(from: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.to < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
