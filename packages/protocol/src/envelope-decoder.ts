import type { ClassicGeneration } from "./classic-frame.ts";
import { ClassicParser } from "./classic-parser.ts";
import type { Decoder } from "./decoder.ts";
import type { EnvelopeFrame } from "./envelope-frame.ts";
import { EnvelopeParser } from "./envelope-parser.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Scratch, SCRATCH_BYTES } from "./scratch.ts";

/** How an envelope is to be read. */
export interface EnvelopeOptions {
  /** Whether the machine is handed out too, byte for byte. Else it is dropped, and opaque from the block section's end on. */
  readonly keep?: boolean;
  /** What the block section speaks, "1.1" unless told: nothing on the wire says it. */
  readonly generation?: ClassicGeneration;
}

/**
 * Decodes QEMU's migration stream without I/O: see `Decoder` for the loop around it. The block section's frames, and how
 * their payloads land, are those of `createClassicDecoder()`; RAM is passed over, and never copied.
 *
 * Bodies of sections have no length, so what is not understood cannot be skipped: it is refused, by name. Once the block
 * section has ended (with `keep`, every section that had started) comes the frame `opaque`, and the rest of the stream,
 * devices' state and EOF, is not looked into.
 *
 * It holds 32 KiB of its own and one landed buffer at a time, whatever the peer sends. `next()` throws `ProtocolError`
 * with a code of the classic stream, or `bad-magic`, `bad-section` or `unsupported`; `end()` throws `truncated` before the
 * opaque rest; and from then on every method throws the same error again.
 */
export function createEnvelopeDecoder(options: EnvelopeOptions = {}): Decoder<EnvelopeFrame> {
  return new EnvelopeDecoder(options.keep ?? false, options.generation ?? "1.1");
}

class EnvelopeDecoder implements Decoder<EnvelopeFrame> {
  readonly #keep: boolean;
  readonly #scratch = new Scratch(SCRATCH_BYTES);
  readonly #blocks: ClassicParser;
  readonly #parser: EnvelopeParser;
  /** A frame that waits until the machine's bytes up to it have been taken. */
  #held: EnvelopeFrame | undefined;
  #drained = true;
  #error: ProtocolError | undefined;

  constructor(keep: boolean, generation: ClassicGeneration) {
    this.#keep = keep;
    this.#blocks = new ClassicParser(this.#scratch, generation);
    this.#parser = new EnvelopeParser(this.#scratch, this.#blocks, keep);
  }

  want(): Uint8Array {
    if (this.#error) throw this.#error;
    return this.#blocks.want();
  }

  accept(bytes: number): void {
    if (this.#error) throw this.#error;
    this.#blocks.accept(bytes);
    this.#drained = false;
  }

  next(): EnvelopeFrame | undefined {
    if (this.#error) throw this.#error;
    try {
      const frame = this.#takeHeld() ?? this.#advance();
      this.#drained = frame === undefined;
      return frame;
    } catch (error) {
      if (error instanceof ProtocolError) this.#error = error;
      throw error;
    }
  }

  land(buffer: Uint8Array): void {
    if (this.#error) throw this.#error;
    if (this.#held) throw new Error("land() is called once, after next() gave a payload");
    this.#blocks.land(buffer);
  }

  end(): void {
    if (this.#error) throw this.#error;
    // Whoever was given a payload's header is not asked to go on to the next frame.
    if (!this.#drained && !this.#blocks.inPayload) throw new Error("call next() until it gives undefined, then end()");
    const missing = this.#parser.missing();
    if (missing === undefined) return;
    this.#error = new ProtocolError("truncated", `the stream ends ${missing.what}`, missing.position);
    throw this.#error;
  }

  #takeHeld(): EnvelopeFrame | undefined {
    const frame = this.#held;
    this.#held = undefined;
    return frame;
  }

  /** Steps up to the next frame; with `keep`, gives what of the machine was passed over before that. */
  #advance(): EnvelopeFrame | undefined {
    const scratch = this.#scratch;
    let start = scratch.index;
    let end = start; // from `start` to here are bytes of the machine
    for (;;) {
      const step = this.#parser.step();
      const ofBlock = !this.#keep || this.#parser.ofBlock;
      if (!ofBlock) end = scratch.index;
      // A block section's bytes lie between the machine's: what was passed over before them goes out now.
      if (step === "on" && !(ofBlock && end > start)) {
        if (ofBlock) start = end = scratch.index;
        continue;
      }
      const frame = typeof step === "string" ? undefined : step;
      if (end === start) return frame;
      this.#held = frame;
      return this.#machine(start, end);
    }
  }

  #machine(start: number, end: number): EnvelopeFrame {
    const position = this.#scratch.position - (this.#scratch.index - start);
    return { type: "machine", bytes: this.#scratch.bytes.subarray(start, end), position };
  }
}
