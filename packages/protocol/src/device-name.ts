import { MAX_NAME_BYTES } from "./classic-frame.ts";
import { ProtocolError } from "./protocol-error.ts";

// With the u flag this matches only a surrogate that has lost its other half.
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A device's name as the wire carries it: 1 to 255 bytes of UTF-8, fresh memory that the caller owns. Make it once for
 * each disk and give it to every `encode…` call.
 *
 * @throws RangeError if the name is empty, too long, or has a lone surrogate (which UTF-8 cannot say).
 */
export function encodeDeviceName(name: string): Uint8Array {
  if (LONE_SURROGATE.test(name)) {
    throw new RangeError(`device name ${JSON.stringify(name)} has a lone surrogate, which UTF-8 cannot say`);
  }
  const bytes = new TextEncoder().encode(name);
  assertNameBytes(bytes);
  return bytes;
}

/** Throws `RangeError` unless the wire's one length byte can tell how long the name is. */
export function assertNameBytes(name: Uint8Array): void {
  if (name.length >= 1 && name.length <= MAX_NAME_BYTES) return;
  throw new RangeError(`a device name must be 1 to ${MAX_NAME_BYTES} bytes of UTF-8, not ${name.length}`);
}

/** Decodes a name of the envelope. Throws `ProtocolError` `bad-name`; `position` is where in the stream the name stands. */
export function decodeText(bytes: Uint8Array, what: string, position: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProtocolError("bad-name", `${what} of ${bytes.length} byte(s) is not UTF-8`, position, { cause });
  }
}

/** Decodes device names, and remembers the last one: a stream says the same name millions of times. */
export class NameDecoder {
  // ignoreBOM keeps a byte order mark: two names that differ in it are two names.
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #lastBytes = new Uint8Array(MAX_NAME_BYTES);
  #lastLength = 0;
  #last = "";

  /**
   * The name in `bytes` from `start` on, `length` (at most 255) bytes long. Throws `ProtocolError` `bad-name`; `position`
   * is where in the stream the name stands.
   */
  decode(bytes: Uint8Array, start: number, length: number, position: number): string {
    if (!this.#isLast(bytes, start, length)) {
      const name = bytes.subarray(start, start + length);
      this.#last = this.#text(name, position);
      this.#lastBytes.set(name);
      this.#lastLength = length;
    }
    return this.#last;
  }

  #isLast(bytes: Uint8Array, start: number, length: number): boolean {
    if (length !== this.#lastLength) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== this.#lastBytes[i]) return false;
    return true;
  }

  #text(name: Uint8Array, position: number): string {
    try {
      return this.#utf8.decode(name);
    } catch (cause) {
      throw new ProtocolError("bad-name", `a device name of ${name.length} byte(s) is not UTF-8`, position, { cause });
    }
  }
}
