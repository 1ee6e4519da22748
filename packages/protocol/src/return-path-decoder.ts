import type { Decoder } from "./decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import { PONG, RETURN_HEAD_BYTES, RETURN_VALUE_BYTES, type ReturnMessage, SHUT } from "./return-path.ts";
import { Scratch } from "./scratch.ts";

const SCRATCH_BYTES = 256;

/** What the decoder waits for, with what the next step needs. */
type State =
  | { readonly awaits: "head" }
  | { readonly awaits: "value"; readonly type: "shut" | "pong"; readonly position: number }
  | { readonly awaits: "nothing"; readonly error: ProtocolError };

const HEAD: State = { awaits: "head" };

/**
 * Decodes what a receiver says back, without I/O: see `Decoder` for the loop around it. No message has a payload, so
 * `land()` always throws.
 *
 * `next()` throws `ProtocolError` `bad-message` for a message that is neither SHUT nor PONG or not 4 bytes long, `end()`
 * throws `truncated`, and from then on every method throws the same error again.
 */
export function createReturnPathDecoder(): Decoder<ReturnMessage> {
  return new ReturnPathDecoder();
}

class ReturnPathDecoder implements Decoder<ReturnMessage> {
  readonly #scratch = new Scratch(SCRATCH_BYTES);
  #state: State = HEAD;

  want(): Uint8Array {
    if (this.#state.awaits === "nothing") throw this.#state.error;
    if (this.#scratch.free === 0) throw new Error("call next() before want()");
    return this.#scratch.room();
  }

  accept(bytes: number): void {
    if (this.#state.awaits === "nothing") throw this.#state.error;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.#scratch.free) {
      throw new RangeError(`accept() takes 1 to ${this.#scratch.free} bytes here, not ${bytes}`);
    }
    this.#scratch.fill(bytes);
  }

  next(): ReturnMessage | undefined {
    const state = this.#state;
    if (state.awaits === "head") return this.#head();
    if (state.awaits === "value") return this.#value(state);
    throw state.error;
  }

  land(): void {
    if (this.#state.awaits === "nothing") throw this.#state.error;
    throw new Error("land() is called after next() gave a payload, and the return path has none");
  }

  end(): void {
    const state = this.#state;
    if (state.awaits === "nothing") throw state.error;
    const available = this.#scratch.available;
    if (state.awaits === "head" && available === 0) return;
    const wanted = state.awaits === "head" ? RETURN_HEAD_BYTES : RETURN_VALUE_BYTES;
    if (available >= wanted) throw new Error("call next() until it gives undefined, then end()");
    const position = state.awaits === "head" ? this.#scratch.position : state.position;
    const missing = `${wanted - available} of the ${wanted} bytes of its ${state.awaits} are missing`;
    throw this.#failed(new ProtocolError("truncated", `the return path ends inside a message: ${missing}`, position));
  }

  #head(): ReturnMessage | undefined {
    if (this.#scratch.available < RETURN_HEAD_BYTES) return undefined;
    const position = this.#scratch.position;
    const kind = this.#scratch.u16();
    const length = this.#scratch.u16();
    if ((kind !== SHUT && kind !== PONG) || length !== RETURN_VALUE_BYTES) {
      const message = `return-path message of type ${kind} and ${length} byte(s) is neither SHUT nor PONG`;
      throw this.#failed(new ProtocolError("bad-message", message, position));
    }
    const state = { awaits: "value", type: kind === SHUT ? "shut" : "pong", position } as const;
    this.#state = state;
    return this.#value(state);
  }

  #value({ type, position }: Extract<State, { awaits: "value" }>): ReturnMessage | undefined {
    if (this.#scratch.available < RETURN_VALUE_BYTES) return undefined;
    this.#state = HEAD;
    return { type, value: this.#scratch.u32(), position };
  }

  #failed(error: ProtocolError): ProtocolError {
    this.#state = { awaits: "nothing", error };
    return error;
  }
}
