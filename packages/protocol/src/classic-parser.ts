import { BLOCK_SIZE, type ClassicFrame, type ClassicGeneration } from "./classic-frame.ts";
import { readWord, WORD_BYTES } from "./classic-word.ts";
import { NameDecoder } from "./device-name.ts";
import type { Scratch } from "./scratch.ts";

/** What the parser waits for, with what the next step needs. */
type State =
  | { readonly awaits: "word" }
  | { readonly awaits: "name"; readonly zero: boolean; readonly offset: number; readonly position: number }
  | { readonly awaits: "landing"; readonly device: string; readonly offset: number; readonly position: number }
  | {
      readonly awaits: "payload";
      readonly device: string;
      readonly offset: number;
      readonly position: number;
      readonly buffer: Uint8Array;
      filled: number;
    };

type StateOf<Awaits extends State["awaits"]> = Extract<State, { readonly awaits: Awaits }>;

const WORD: State = { awaits: "word" };

/**
 * The frames of a classic stream over a scratch, for a decoder of the bare stream and for one of an envelope around it.
 * Between frames the scratch is free for whoever shares it. Its methods mean what those of `Decoder` do; a parser that
 * has thrown a `ProtocolError` is not to be asked again.
 */
export class ClassicParser {
  readonly #scratch: Scratch;
  readonly #generation: ClassicGeneration;
  readonly #names = new NameDecoder();
  #state: State = WORD;

  constructor(scratch: Scratch, generation: ClassicGeneration) {
    this.#scratch = scratch;
    this.#generation = generation;
  }

  /** Whether a payload has been announced and has not come whole. */
  get inPayload(): boolean {
    return this.#state.awaits === "landing" || this.#state.awaits === "payload";
  }

  want(): Uint8Array {
    const state = this.#state;
    if (this.#room() === 0) throw new Error(`call ${state.awaits === "landing" ? "land()" : "next()"} before want()`);
    return state.awaits === "payload" ? state.buffer.subarray(state.filled, BLOCK_SIZE) : this.#scratch.room();
  }

  accept(bytes: number): void {
    const state = this.#state;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.#room()) {
      throw new RangeError(`accept() takes 1 to ${this.#room()} bytes here, not ${bytes}`);
    }
    if (state.awaits !== "payload") return this.#scratch.fill(bytes);
    state.filled += bytes;
    this.#scratch.passBy(bytes);
  }

  next(): ClassicFrame | undefined {
    const state = this.#state;
    if (state.awaits === "word") return this.#word();
    if (state.awaits === "name") return this.#name(state);
    if (state.awaits === "payload") return this.#payload(state);
    return undefined;
  }

  land(buffer: Uint8Array): void {
    const state = this.#state;
    if (state.awaits !== "landing") throw new Error("land() is called once, after next() gave a payload");
    if (buffer.length < BLOCK_SIZE) {
      throw new RangeError(`a payload of ${BLOCK_SIZE} bytes cannot land in ${buffer.length}`);
    }
    const { device, offset, position } = state;
    const filled = this.#scratch.copyTo(buffer.subarray(0, BLOCK_SIZE));
    this.#state = { awaits: "payload", device, offset, position, buffer, filled };
  }

  /** What a stream that ends here lacks, as a sentence, and since which byte; undefined between two frames. */
  missing(): { readonly what: string; readonly position: number } | undefined {
    const what = this.#missing();
    if (what === undefined) return undefined;
    return { what, position: this.#state.awaits === "word" ? this.#scratch.position : this.#state.position };
  }

  /** How many bytes may be put into `want()`. */
  #room(): number {
    const state = this.#state;
    if (state.awaits === "payload") return BLOCK_SIZE - state.filled;
    return state.awaits === "landing" ? 0 : this.#scratch.free;
  }

  #word(): ClassicFrame | undefined {
    if (this.#scratch.available < WORD_BYTES) return undefined;
    const position = this.#scratch.position;
    const high = this.#scratch.u32();
    const low = this.#scratch.u32();
    const word = readWord(high, low, this.#generation, position);
    if (word.says === "eos") return { type: "eos", position };
    if (word.says === "progress") return { type: "progress", percent: word.percent, position };
    const named: StateOf<"name"> = { awaits: "name", zero: word.says === "zero", offset: word.offset, position };
    this.#state = named;
    return this.#name(named);
  }

  #name({ zero, offset, position }: StateOf<"name">): ClassicFrame | undefined {
    const scratch = this.#scratch;
    if (scratch.available < 1 || scratch.available < 1 + scratch.peekU8()) return undefined;
    const length = scratch.peekU8();
    scratch.skip(1);
    const namePosition = scratch.position;
    const device = this.#names.decode(scratch.bytes, scratch.skip(length), length, namePosition);
    this.#state = zero ? WORD : { awaits: "landing", device, offset, position };
    return { type: zero ? "zero" : "payload", device, offset, position };
  }

  #payload({ device, offset, position, buffer, filled }: StateOf<"payload">): ClassicFrame | undefined {
    if (filled < BLOCK_SIZE) return undefined;
    this.#state = WORD;
    return { type: "block", device, offset, data: buffer.subarray(0, BLOCK_SIZE), position };
  }

  #missing(): string | undefined {
    const state = this.#state;
    const available = this.#scratch.available;
    if (state.awaits === "word") return available === 0 ? undefined : lack(available, WORD_BYTES, "word");
    if (state.awaits === "landing") return lack(available, BLOCK_SIZE, "payload");
    if (state.awaits === "payload") return lack(state.filled, BLOCK_SIZE, "payload");
    return available === 0 ? "its device name is missing" : lack(available - 1, this.#scratch.peekU8(), "device name");
  }
}

function lack(come: number, wanted: number, item: string): string {
  if (come >= wanted) throw new Error("call next() until it gives undefined, then end()");
  return `${wanted - come} of the ${wanted} bytes of its ${item} are missing`;
}
