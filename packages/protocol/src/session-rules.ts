import { ProtocolError } from "./protocol-error.ts";
import { DIGEST_BYTES, MESSAGE_BYTES } from "./session-frame.ts";
import {
  ACK,
  ANSWER,
  ANSWER_EQUAL,
  DATA,
  HASH,
  HASH_ZERO,
  HOLE,
  MESSAGE,
  OPTIONAL,
  PING,
  type PlacedHeader,
  PONG,
} from "./session-header.ts";

/**
 * Whether data frames have a checksum of their payload: all of them, none, or, to who hears one direction alone and not what
 * was agreed, those whose checksum is not 0.
 */
export type DataChecksums = "present" | "absent" | "either";

/** What both ends agreed on. */
interface Agreed {
  /** The longest data frame, bytes. */
  readonly frameBytes: number;
  readonly dataChecksums: DataChecksums;
}

/** The flag bits that each known type has. */
const FLAGS: ReadonlyMap<number, number> = new Map([
  [DATA, 0],
  [HOLE, 0],
  [HASH, HASH_ZERO],
  [ANSWER, ANSWER_EQUAL],
  [ACK, 0],
  [MESSAGE, 0],
  [PING, 0],
  [PONG, 0],
]);

/**
 * Throws `ProtocolError` unless the header is one of a session's frames: `bad-frame` for a type or size that cannot be,
 * `unknown-flags`, `bad-offset` for a number beyond 2^53 - 1, `bad-checksum` for a checksum of no payload, `bad-frame` for
 * one of data that was agreed to have none. Of optional types only the size is looked at.
 */
export function assertHeader(header: PlacedHeader, { frameBytes, dataChecksums }: Agreed): void {
  const { type, flags, size, offset, length, position } = header;
  if (type >= OPTIONAL) {
    if (size <= frameBytes) return;
    throw new ProtocolError("bad-frame", `a frame to pass over of ${size} bytes: ${frameBytes} are the most`, position);
  }
  const known = FLAGS.get(type);
  if (known === undefined) throw new ProtocolError("bad-frame", `frames of type ${type} are not known`, position);
  if ((flags & ~known) !== 0) {
    throw new ProtocolError("unknown-flags", `flags 0x${flags.toString(16)} of a frame of type ${type}`, position);
  }
  // Counts (of an ACK) and values have no end to reach; an extent has.
  const last = type <= ANSWER ? offset + length : Math.max(offset, length);
  if (!Number.isSafeInteger(last)) {
    throw new ProtocolError("bad-offset", `a frame of type ${type} says a number beyond 2^53 - 1`, position);
  }
  const fault = shapeFault(header, frameBytes);
  if (fault !== undefined) throw new ProtocolError("bad-frame", fault, position);
  if (size === 0 && header.payloadCrc !== 0) {
    throw new ProtocolError("bad-checksum", "a frame without a payload has the checksum of one", position);
  }
  if (type === DATA && dataChecksums === "absent" && header.payloadCrc !== 0) {
    throw new ProtocolError("bad-frame", "a data frame has a checksum, and it was agreed that none has", position);
  }
}

/** What cannot be of a frame of a known type, as a sentence. */
function shapeFault({ type, flags, disk, size, offset, length }: PlacedHeader, frameBytes: number): string | undefined {
  const most = type === DATA || (type === HASH && flags !== HASH_ZERO) ? frameBytes : Number.MAX_SAFE_INTEGER;
  if (type <= ANSWER && (length < 1 || length > most)) {
    return `an extent of ${length} bytes in a frame of type ${type}: 1 to ${most} can be`;
  }
  if (type === MESSAGE && (size < 1 || size > MESSAGE_BYTES)) {
    return `a message of ${size} bytes: 1 to ${MESSAGE_BYTES} can be`;
  }
  if (type !== MESSAGE && size !== payloadBytes(type, flags, length)) {
    return `a frame of type ${type} with a payload of ${size} bytes`;
  }
  if (type === ACK && length > offset) return `${length} frames durable, and only ${offset} written`;
  const empty = emptyField(type, disk, offset, length);
  return empty === undefined ? undefined : `a frame of type ${type} has no ${empty}`;
}

/** How long the payload must be of a frame that is no message. */
function payloadBytes(type: number, flags: number, length: number): number {
  if (type === DATA) return length;
  return type === HASH && flags !== HASH_ZERO ? DIGEST_BYTES : 0;
}

/** A field that must be 0 in this type, and is not. */
function emptyField(type: number, disk: number, offset: number, length: number): string | undefined {
  if (type <= ANSWER) return undefined;
  if (disk !== 0) return "disk";
  if (type === MESSAGE && offset !== 0) return "offset";
  return type !== ACK && length !== 0 ? "length" : undefined;
}
