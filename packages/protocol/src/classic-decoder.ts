import { BLOCK_SIZE, type ClassicFrame, type ClassicGeneration } from "./classic-frame.ts";
import { readWord, WORD_BYTES } from "./classic-word.ts";
import type { Decoder } from "./decoder.ts";
import { NameDecoder } from "./device-name.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Scratch } from "./scratch.ts";

/** Some 2000 zero frames, and little to copy out where a payload begins. */
const SCRATCH_BYTES = 32 * 1024;

/** What the decoder waits for, with what the next step needs. */
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
    }
  | { readonly awaits: "nothing"; readonly error: ProtocolError };

type StateOf<Awaits extends State["awaits"]> = Extract<State, { readonly awaits: Awaits }>;

const WORD: State = { awaits: "word" };

/**
 * Decodes a classic block stream without I/O: see `Decoder` for the loop around it.
 *
 * It holds 32 KiB of its own and one landed buffer at a time, whatever the peer sends. A buffer whose payload did not
 * come whole stays with the caller, who landed it.
 *
 * `next()` throws `ProtocolError` `unknown-flags`, `bad-progress`, `bad-offset` or `bad-name`, `end()` throws
 * `truncated`, and from then on every method throws the same error again. Calls out of order throw `Error`, numbers and
 * buffers of the wrong size `RangeError`; neither harms the decoder.
 *
 * @param options.generation What the peer speaks, "1.1" unless told: nothing on the wire says it. "1.0" has no zero blocks.
 */
export function createClassicDecoder(options: { readonly generation?: ClassicGeneration } = {}): Decoder<ClassicFrame> {
  return new ClassicDecoder(options.generation ?? "1.1");
}

class ClassicDecoder implements Decoder<ClassicFrame> {
  readonly #generation: ClassicGeneration;
  readonly #scratch = new Scratch(SCRATCH_BYTES);
  readonly #names = new NameDecoder();
  #state: State = WORD;

  constructor(generation: ClassicGeneration) {
    this.#generation = generation;
  }

  want(): Uint8Array {
    const state = this.#state;
    if (state.awaits === "nothing") throw state.error;
    if (this.#room() === 0) throw new Error(`call ${state.awaits === "landing" ? "land()" : "next()"} before want()`);
    return state.awaits === "payload" ? state.buffer.subarray(state.filled, BLOCK_SIZE) : this.#scratch.room();
  }

  accept(bytes: number): void {
    const state = this.#state;
    if (state.awaits === "nothing") throw state.error;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.#room()) {
      throw new RangeError(`accept() takes 1 to ${this.#room()} bytes here, not ${bytes}`);
    }
    if (state.awaits !== "payload") return this.#scratch.fill(bytes);
    state.filled += bytes;
    this.#scratch.passBy(bytes);
  }

  next(): ClassicFrame | undefined {
    try {
      return this.#step(this.#state);
    } catch (error) {
      if (error instanceof ProtocolError) this.#state = { awaits: "nothing", error };
      throw error;
    }
  }

  land(buffer: Uint8Array): void {
    const state = this.#state;
    if (state.awaits === "nothing") throw state.error;
    if (state.awaits !== "landing") throw new Error("land() is called once, after next() gave a payload");
    if (buffer.length < BLOCK_SIZE) {
      throw new RangeError(`a payload of ${BLOCK_SIZE} bytes cannot land in ${buffer.length}`);
    }
    const { device, offset, position } = state;
    const filled = this.#scratch.copyTo(buffer.subarray(0, BLOCK_SIZE));
    this.#state = { awaits: "payload", device, offset, position, buffer, filled };
  }

  end(): void {
    const state = this.#state;
    if (state.awaits === "nothing") throw state.error;
    const missing = this.#missing(state);
    if (missing === undefined) return;
    const position = state.awaits === "word" ? this.#scratch.position : state.position;
    const error = new ProtocolError("truncated", `the stream ends inside a frame: ${missing}`, position);
    this.#state = { awaits: "nothing", error };
    throw error;
  }

  /** How many bytes may be put into `want()`. */
  #room(): number {
    const state = this.#state;
    if (state.awaits === "payload") return BLOCK_SIZE - state.filled;
    return state.awaits === "landing" ? 0 : this.#scratch.free;
  }

  #step(state: State): ClassicFrame | undefined {
    if (state.awaits === "word") return this.#word();
    if (state.awaits === "name") return this.#name(state);
    if (state.awaits === "payload") return this.#payload(state);
    if (state.awaits === "landing") return undefined;
    throw state.error;
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

  /** What a stream that ends here lacks, as a sentence, or undefined where it may end. */
  #missing(state: Exclude<State, StateOf<"nothing">>): string | undefined {
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
