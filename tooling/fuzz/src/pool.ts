import type { SeededRandom } from "@blkmig/testkit";

const MOST_INPUTS = 512;
const MOST_BYTES = 8192;
/** Of the inputs of a round so many are held, until it is known whether the round has reached something new. */
const MOST_GUESSES = 8;

/** Inputs that had something to say, to be damaged further. */
export class Pool {
  readonly random: SeededRandom;
  readonly inputs: Uint8Array[] = [];
  readonly #guesses: Uint8Array[] = [];

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** One of them, if there are any. */
  pick(): Uint8Array | undefined {
    return this.inputs.length === 0 ? undefined : this.random.pick(this.inputs);
  }

  /** Copies it, if it is not long: those are slow. Where there are too many, one of the others goes. */
  keep(input: Uint8Array): void {
    if (input.length > MOST_BYTES) return;
    if (this.inputs.length < MOST_INPUTS) this.inputs.push(input.slice());
    else this.inputs[this.random.int(MOST_INPUTS)] = input.slice();
  }

  /** Holds one input in some hundreds. */
  mayKeep(input: Uint8Array, at: number): void {
    if (at % 256 !== 0) return;
    if (this.#guesses.length === MOST_GUESSES) this.#guesses.shift();
    this.#guesses.push(input.slice());
  }

  /** The round has reached something new: what was held of it is kept. */
  settle(): void {
    for (const guess of this.#guesses.splice(0)) this.keep(guess);
  }
}
