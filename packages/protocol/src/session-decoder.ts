import { crc32 as pureCrc32 } from "./crc32.ts";
import type { Decoder } from "./decoder.ts";
import { FailingDecoder } from "./failing-decoder.ts";
import { type Crc32, FRAME_BYTES, MOST_FRAME_BYTES, SESSION_MAGIC, type SessionFrame } from "./session-frame.ts";
import { SessionParser } from "./session-parser.ts";
import type { DataChecksums } from "./session-rules.ts";

/** How a session is to be read. */
export interface SessionDecoderOptions {
  /** The longest data frame that is taken, 1 byte to 16 MiB; 1 MiB unless told. */
  readonly frameBytes?: number;
  /** The pure one unless given; in Node.js give `crc32` of `node:zlib`. */
  readonly crc32?: Crc32;
  /** Whether `SESSION_MAGIC` is still to come (unless told), or was taken from the wire by whoever recognised it. */
  readonly magic?: "expected" | "taken";
}

/** A decoder whose limit, and what is checked, is agreed on while it reads. */
export interface SessionDecoder extends Decoder<SessionFrame> {
  /** From the next frame's header on: the longest data frame that is taken. `RangeError` unless 1 byte to 16 MiB. */
  setFrameBytes(bytes: number): void;
  /**
   * From the next frame's header on: whether data frames have a checksum of their payload. "present" until told; "absent" where
   * both ends agreed on `UNCHECKED_DATA`, and then one that is not 0 is a `bad-frame`.
   */
  setDataChecksums(checksums: DataChecksums): void;
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
  const { frameBytes = FRAME_BYTES, crc32 = pureCrc32, magic = "expected" } = options;
  assertFrameBytes(frameBytes);
  return new AgreeingDecoder(new SessionParser(crc32, frameBytes, magic === "taken" ? SESSION_MAGIC.length : 0));
}

class AgreeingDecoder extends FailingDecoder<SessionFrame> implements SessionDecoder {
  readonly #session: SessionParser;

  constructor(session: SessionParser) {
    super(session, "the session ends inside");
    this.#session = session;
  }

  setFrameBytes(bytes: number): void {
    this.check();
    assertFrameBytes(bytes);
    this.#session.frameBytes = bytes;
  }

  setDataChecksums(checksums: DataChecksums): void {
    this.check();
    this.#session.dataChecksums = checksums;
  }
}

function assertFrameBytes(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_FRAME_BYTES) return;
  throw new RangeError(`the longest data frame must be 1 to ${MOST_FRAME_BYTES} bytes, not ${bytes}`);
}
