import { MOST_INPUT_BYTES } from "./input.ts";
import type { Feeding } from "./target.ts";

const HEAD_WORDS = 4;

/**
 * Memory that a worker shares with whoever watches it: how far it is, and which input it is at. A worker that hangs cannot be asked
 * for it any more.
 */
export class Stage {
  readonly shared: SharedArrayBuffer;
  readonly #head: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(
    shared: SharedArrayBuffer = new SharedArrayBuffer(HEAD_WORDS * Uint32Array.BYTES_PER_ELEMENT + MOST_INPUT_BYTES),
  ) {
    this.shared = shared;
    this.#head = new Uint32Array(shared, 0, HEAD_WORDS);
    this.#bytes = new Uint8Array(shared, this.#head.byteLength);
  }

  /** How many inputs were begun, modulo 2^32. */
  get inputs(): number {
    return this.#head[0]!;
  }

  /** The input that is fed now, copied. */
  get feeding(): Feeding {
    return { bytes: this.#bytes.slice(0, this.#head[1]), seed: this.#head[2]!, variant: this.#head[3]! };
  }

  show({ bytes, seed, variant }: Feeding): void {
    this.#head[0] = this.#head[0]! + 1;
    this.#head[1] = bytes.length;
    this.#head[2] = seed;
    this.#head[3] = variant;
    this.#bytes.set(bytes);
  }
}
