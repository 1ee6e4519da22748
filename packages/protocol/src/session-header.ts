import { crc32 } from "./crc32.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Scratch } from "./scratch.ts";
import { SESSION_HEADER_BYTES } from "./session-frame.ts";

export const DATA = 1;
export const HOLE = 2;
export const HASH = 3;
export const ANSWER = 4;
export const ACK = 5;
export const MESSAGE = 6;
export const PING = 7;
export const PONG = 8;
/** From here on types are passed over, with their payload, by whoever does not know them. */
export const OPTIONAL = 0x80;

/** Flag of HASH: there is no digest, all of the extent is zero. */
export const HASH_ZERO = 0x01;
/** Flag of ANSWER: the sink has the same bytes. */
export const ANSWER_EQUAL = 0x01;

const HALF = 2 ** 32;
/** The header's bytes up to its own checksum. */
const CHECKED_BYTES = 28;

/** What stands in front of every frame's payload. */
export interface SessionHeader {
  readonly type: number;
  readonly flags: number;
  readonly disk: number;
  /** Bytes of payload that follow. */
  readonly size: number;
  readonly offset: number;
  readonly length: number;
  readonly payloadCrc: number;
}

/** A header that came, and where. */
export interface PlacedHeader extends SessionHeader {
  /** The stream's byte at which it begins. */
  readonly position: number;
}

/** Reads a header of which all bytes have come. Throws `ProtocolError` `bad-checksum`; says nothing about its fields. */
export function readHeader(scratch: Scratch): PlacedHeader {
  const position = scratch.position;
  const crc = crc32(scratch.bytes.subarray(scratch.index, scratch.index + CHECKED_BYTES));
  const header = {
    type: scratch.u8(),
    flags: scratch.u8(),
    disk: scratch.u16(),
    size: scratch.u32(),
    offset: scratch.u32() * HALF + scratch.u32(),
    length: scratch.u32() * HALF + scratch.u32(),
    payloadCrc: scratch.u32(),
    position,
  };
  if (scratch.u32() === crc) return header;
  throw new ProtocolError("bad-checksum", "a frame's header is not the one that its checksum was made of", position);
}

/** Writes a header to the front of `into`, with its checksum. */
export function writeHeader(into: Uint8Array, header: SessionHeader): void {
  const view = new DataView(into.buffer, into.byteOffset, SESSION_HEADER_BYTES);
  view.setUint8(0, header.type);
  view.setUint8(1, header.flags);
  view.setUint16(2, header.disk);
  view.setUint32(4, header.size);
  view.setUint32(8, Math.floor(header.offset / HALF));
  view.setUint32(12, header.offset % HALF);
  view.setUint32(16, Math.floor(header.length / HALF));
  view.setUint32(20, header.length % HALF);
  view.setUint32(24, header.payloadCrc);
  view.setUint32(CHECKED_BYTES, crc32(into.subarray(0, CHECKED_BYTES)));
}
