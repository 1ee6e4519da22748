/** The last bytes of what came by, at most `most` of them. */
export class StreamTail {
  readonly #ring: Uint8Array;
  #seen = 0;

  constructor(most: number) {
    this.#ring = new Uint8Array(most);
  }

  /** How many bytes have come by. */
  get seen(): number {
    return this.#seen;
  }

  /** Copies what it needs of `bytes`, borrowed for the call. */
  add(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#ring.length));
    const at = (this.#seen + bytes.length - kept.length) % this.#ring.length;
    const first = kept.subarray(0, this.#ring.length - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#seen += bytes.length;
  }

  /** In the order in which they came. */
  bytes(): Uint8Array {
    if (this.#seen <= this.#ring.length) return this.#ring.subarray(0, this.#seen);
    const start = this.#seen % this.#ring.length;
    return Buffer.concat([this.#ring.subarray(start), this.#ring.subarray(0, start)]);
  }
}
