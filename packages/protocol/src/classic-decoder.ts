import type { ClassicFrame, ClassicGeneration } from "./classic-frame.ts";
import { ClassicParser } from "./classic-parser.ts";
import type { Decoder } from "./decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Scratch, SCRATCH_BYTES } from "./scratch.ts";

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
  readonly #parser: ClassicParser;
  #error: ProtocolError | undefined;

  constructor(generation: ClassicGeneration) {
    this.#parser = new ClassicParser(new Scratch(SCRATCH_BYTES), generation);
  }

  want(): Uint8Array {
    if (this.#error) throw this.#error;
    return this.#parser.want();
  }

  accept(bytes: number): void {
    if (this.#error) throw this.#error;
    this.#parser.accept(bytes);
  }

  next(): ClassicFrame | undefined {
    if (this.#error) throw this.#error;
    try {
      return this.#parser.next();
    } catch (error) {
      if (error instanceof ProtocolError) this.#error = error;
      throw error;
    }
  }

  land(buffer: Uint8Array): void {
    if (this.#error) throw this.#error;
    this.#parser.land(buffer);
  }

  end(): void {
    if (this.#error) throw this.#error;
    const missing = this.#parser.missing();
    if (missing === undefined) return;
    this.#error = new ProtocolError("truncated", `the stream ends inside a frame: ${missing.what}`, missing.position);
    throw this.#error;
  }
}
