import type { ClassicFrame, ClassicGeneration } from "./classic-frame.ts";
import { ClassicParser } from "./classic-parser.ts";
import type { Decoder } from "./decoder.ts";
import { FailingDecoder } from "./failing-decoder.ts";
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
  const parser = new ClassicParser(new Scratch(SCRATCH_BYTES), options.generation ?? "1.1");
  return new FailingDecoder(parser, "the stream ends inside a frame:");
}
