/**
 * The memory that a decoder wants filled next, exactly as long as what comes next is known to be. Nothing beyond it is taken from the
 * wire: bytes behind it may belong to TLS, or land in a caller's own memory.
 */
export class Intake {
  #bytes: Uint8Array;
  #filled = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Begins anew with other memory. */
  expect(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#filled = 0;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#filled === this.#bytes.length;
  }

  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  want(): Uint8Array {
    return this.#bytes.subarray(this.#filled);
  }

  accept(bytes: number): void {
    const most = this.#bytes.length - this.#filled;
    if (bytes < 1 || bytes > most) throw new RangeError(`${bytes} bytes cannot have come: 1 to ${most} were wanted`);
    this.#filled += bytes;
  }
}
