import { crc32 as pureCrc32 } from "./crc32.ts";
import type { Decoder } from "./decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import { type Crc32, FRAME_BYTES, MOST_FRAME_BYTES, SESSION_MAGIC, type SessionFrame } from "./session-frame.ts";
import { SessionParser } from "./session-parser.ts";

/** How a session is to be read. */
export interface SessionDecoderOptions {
  /** The longest data frame that is taken, 1 byte to 16 MiB; 1 MiB unless told. */
  readonly frameBytes?: number;
  /** The pure one unless given; in Node.js give `crc32` of `node:zlib`. */
  readonly crc32?: Crc32;
  /** Whether `SESSION_MAGIC` is still to come (unless told), or was taken from the wire by whoever recognised it. */
  readonly magic?: "expected" | "taken";
}

/** A decoder whose limit is agreed on while it reads. */
export interface SessionDecoder extends Decoder<SessionFrame> {
  /** From the next frame's header on: the longest data frame that is taken. `RangeError` unless 1 byte to 16 MiB. */
  setFrameBytes(bytes: number): void;
}

/**
 * Decodes one direction of a session without I/O: see `Decoder` for the loop around it. Only data frames have a payload to
 * land; messages and digests are the decoder's own, and frames of optional types are passed over in silence.
 *
 * It holds 32 KiB, the one buffer that was landed, and one message of at most 128 KiB, whatever the peer sends. `next()`
 * throws `ProtocolError` `bad-magic`, `bad-checksum`, `bad-frame`, `unknown-flags`, `bad-offset`, `bad-message` or
 * `bad-name`, `end()` throws `truncated`, and from then on every method throws the same error again.
 *
 * @throws RangeError if `options.frameBytes` is no limit.
 */
export function createSessionDecoder(options: SessionDecoderOptions = {}): SessionDecoder {
  return new FailingDecoder(options);
}

class FailingDecoder implements SessionDecoder {
  readonly #parser: SessionParser;
  #error: ProtocolError | undefined;

  constructor({ frameBytes = FRAME_BYTES, crc32 = pureCrc32, magic = "expected" }: SessionDecoderOptions) {
    assertFrameBytes(frameBytes);
    this.#parser = new SessionParser(crc32, frameBytes, magic === "taken" ? SESSION_MAGIC.length : 0);
  }

  setFrameBytes(bytes: number): void {
    if (this.#error) throw this.#error;
    assertFrameBytes(bytes);
    this.#parser.frameBytes = bytes;
  }

  want(): Uint8Array {
    if (this.#error) throw this.#error;
    return this.#parser.want();
  }

  accept(bytes: number): void {
    if (this.#error) throw this.#error;
    this.#parser.accept(bytes);
  }

  next(): SessionFrame | undefined {
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
    this.#error = new ProtocolError("truncated", `the session ends inside ${missing.what}`, missing.position);
    throw this.#error;
  }
}

function assertFrameBytes(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_FRAME_BYTES) return;
  throw new RangeError(`the longest data frame must be 1 to ${MOST_FRAME_BYTES} bytes, not ${bytes}`);
}
