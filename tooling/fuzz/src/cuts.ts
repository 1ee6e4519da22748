const MOST_BYTES = 65_536;

/** Where a wire is cut, decided by one number: not at all, behind every byte, or anywhere. */
export class Cuts {
  readonly #most: number;
  #state: number;

  /** `length`: of the whole input. Some hundreds of cuts in a long one find as much as thousands. */
  constructor(seed: number, length: number) {
    this.#state = seed | 1;
    const kind = seed & 7;
    const least = 1 + (length >> 9);
    this.#most = kind === 0 ? least : kind < 3 ? least + 8 : kind < 5 ? least + 100 : MOST_BYTES;
  }

  /** How many bytes come at most with the next read, 1 or more. */
  next(): number {
    if (this.#most === 1 || this.#most === MOST_BYTES) return this.#most;
    // xorshift: two lines are enough for this, and cost nothing.
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return 1 + ((this.#state >>> 0) % this.#most);
  }
}
