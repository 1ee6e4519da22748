import { crc32 as pureCrc32 } from "./crc32.ts";
import type { Segments } from "./segments.ts";
import {
  type Crc32,
  DIGEST_BYTES,
  MESSAGE_BYTES,
  MOST_FRAME_BYTES,
  SESSION_HEADER_BYTES,
  SESSION_MAGIC,
  type SessionExtent,
} from "./session-frame.ts";
import {
  ACK,
  ANSWER,
  ANSWER_EQUAL,
  DATA,
  HASH,
  HASH_ZERO,
  HOLE,
  MESSAGE,
  PING,
  PONG,
  type SessionHeader,
  writeHeader,
} from "./session-header.ts";
import { messageText } from "./session-message-text.ts";
import type { SessionMessage } from "./session-message.ts";

const NO_DISK: SessionExtent = { disk: 0, offset: 0, length: 0 };

/** What opens a session, in either direction; fresh memory that the caller owns. */
export function encodeSessionPreface(): Segments {
  return [SESSION_MAGIC.slice()];
}

/**
 * An extent with its bytes. The result is a fresh header and `data` itself, a view for good: whoever sends the segments
 * borrows the caller's bytes until it has sent them, and they must not change meanwhile, or their checksum is wrong.
 *
 * @param data Exactly `extent.length` bytes, 1 to 16 MiB; the agreed `frameBytes` is for the caller to keep.
 * @param crc32 The pure one unless given; in Node.js give `crc32` of `node:zlib`. "unchecked" where both ends agreed on
 * `UNCHECKED_DATA`: then damage is the wire's to find.
 * @throws RangeError if the extent or the data's length is none that the wire can carry.
 */
export function encodeData(extent: SessionExtent, data: Uint8Array, crc32: Crc32 | "unchecked" = pureCrc32): Segments {
  assertExtent(extent, MOST_FRAME_BYTES);
  if (data.length !== extent.length) {
    throw new RangeError(`an extent of ${extent.length} bytes cannot have ${data.length} bytes of data`);
  }
  const payloadCrc = crc32 === "unchecked" ? 0 : crc32(data);
  return [frame({ type: DATA, size: data.length, extent, payloadCrc }), data];
}

/**
 * An extent, of any length, that reads as zero. Fresh memory that the caller owns.
 *
 * @throws RangeError if the extent is none that the wire can carry.
 */
export function encodeHole(extent: SessionExtent): Segments {
  assertExtent(extent);
  return [frame({ type: HOLE, extent })];
}

/**
 * What the source has at an extent: its SHA-256, or nothing but zeroes. Fresh memory that the caller owns.
 *
 * @param digest 32 bytes, copied; the extent then has at most 16 MiB. With "zero" it may have any length.
 * @throws RangeError if the extent or the digest's length is none that the wire can carry.
 */
export function encodeHash(extent: SessionExtent, digest: Uint8Array | "zero"): Segments {
  if (digest === "zero") {
    assertExtent(extent);
    return [frame({ type: HASH, flags: HASH_ZERO, extent })];
  }
  assertExtent(extent, MOST_FRAME_BYTES);
  if (digest.length !== DIGEST_BYTES) {
    throw new RangeError(`a digest has ${DIGEST_BYTES} bytes, not ${digest.length}`);
  }
  return [frame({ type: HASH, size: DIGEST_BYTES, extent, payloadCrc: pureCrc32(digest) }, digest)];
}

/**
 * The answer to the HASH of this very extent. Fresh memory that the caller owns.
 *
 * @throws RangeError if the extent is none that the wire can carry.
 */
export function encodeAnswer(extent: SessionExtent, equal: boolean): Segments {
  assertExtent(extent);
  return [frame({ type: ANSWER, flags: equal ? ANSWER_EQUAL : 0, extent })];
}

/**
 * How many of this connection's data and hole frames, in their order, are on their disks, and how many of these on stable
 * storage. Fresh memory that the caller owns.
 *
 * @throws RangeError unless both are whole numbers from 0 to 2^53 - 1, and `durable` is not the larger one.
 */
export function encodeAck(written: number, durable: number): Segments {
  assertNumber("the frames written", written);
  assertNumber("the frames durable", durable);
  if (durable > written) throw new RangeError(`${durable} frames cannot be durable where ${written} are written`);
  return [frame({ type: ACK, extent: { disk: 0, offset: written, length: durable } })];
}

/**
 * A message, as JSON with its known keys only. The sentence of a `cancel`, `refused` or `failed` is cut to 1024 characters:
 * whoever reports a failure is not to fail at that. Fresh memory that the caller owns.
 *
 * @throws RangeError if a field is not as docs/wire-format.md says, or the text is longer than `MESSAGE_BYTES`.
 */
export function encodeMessage(message: SessionMessage): Segments {
  const text = new TextEncoder().encode(messageText(message));
  if (text.length > MESSAGE_BYTES) {
    throw new RangeError(`a message of ${text.length} bytes: ${MESSAGE_BYTES} are the most`);
  }
  return [frame({ type: MESSAGE, size: text.length, extent: NO_DISK, payloadCrc: pureCrc32(text) }, text)];
}

/**
 * Asks for a PONG with the same value. Fresh memory that the caller owns.
 *
 * @throws RangeError unless `value` is a whole number from 0 to 2^53 - 1.
 */
export function encodeSessionPing(value: number): Segments {
  assertNumber("the value of a PING", value);
  return [frame({ type: PING, extent: { disk: 0, offset: value, length: 0 } })];
}

/**
 * Answers the PING of that value. Fresh memory that the caller owns.
 *
 * @throws RangeError unless `value` is a whole number from 0 to 2^53 - 1.
 */
export function encodeSessionPong(value: number): Segments {
  assertNumber("the value of a PONG", value);
  return [frame({ type: PONG, extent: { disk: 0, offset: value, length: 0 } })];
}

interface Frame extends Partial<Pick<SessionHeader, "flags" | "size" | "payloadCrc">> {
  readonly type: number;
  readonly extent: SessionExtent;
}

/** A header, and behind it a payload that is short enough to copy. */
function frame({ type, flags = 0, size = 0, payloadCrc = 0, extent }: Frame, payload?: Uint8Array): Uint8Array {
  const { disk, offset, length } = extent;
  const bytes = new Uint8Array(SESSION_HEADER_BYTES + (payload?.length ?? 0));
  writeHeader(bytes, { type, flags, disk, size, offset, length, payloadCrc });
  if (payload) bytes.set(payload, SESSION_HEADER_BYTES);
  return bytes;
}

function assertExtent({ disk, offset, length }: SessionExtent, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(disk) || disk < 0 || disk > 0xffff) {
    throw new RangeError(`a disk's index must be a whole number from 0 to 65535, not ${disk}`);
  }
  assertNumber("an extent's offset", offset);
  if (!Number.isSafeInteger(length) || length < 1 || length > most) {
    throw new RangeError(`an extent's length must be a whole number from 1 to ${most} here, not ${length}`);
  }
  if (length > Number.MAX_SAFE_INTEGER - offset) {
    throw new RangeError(`${length} byte(s) at ${offset} end beyond 2^53 - 1 bytes`);
  }
}

function assertNumber(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${what} must be a whole number from 0 to 2^53 - 1, not ${value}`);
}
