import { crc32 } from "node:zlib";

/** A session's bytes by hand, after docs/wire-format.md: nothing of `@blkmig/protocol` has made or judged them. */
export const PREFACE: Uint8Array = Buffer.from("89626c6b6d69670a", "hex");

export const DATA = 1;
export const HOLE = 2;
export const HASH = 3;
export const ANSWER = 4;
export const ACK = 5;
export const MESSAGE = 6;
export const PING = 7;
export const PONG = 8;

const HEADER_BYTES = 32;

/** A frame's fields, as they stand on the wire. */
export interface FrameFields {
  readonly type: number;
  readonly flags?: number;
  readonly disk?: number;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  /** Default: that of the payload. */
  readonly payloadCrc?: number;
}

/** Any frame, also one that no encoder would write. */
export function frameOf(fields: FrameFields, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const { type, flags = 0, disk = 0, offset = 0, length = 0 } = fields;
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(flags, 1);
  bytes.writeUInt16BE(disk, 2);
  bytes.writeUInt32BE(payload.length, 4);
  bytes.writeBigUInt64BE(BigInt(offset), 8);
  bytes.writeBigUInt64BE(BigInt(length), 16);
  bytes.writeUInt32BE(fields.payloadCrc ?? crc32(payload), 24);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 28)), 28);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A message by its JSON text. */
export const messageOf = (text: string): Uint8Array => frameOf({ type: MESSAGE }, Buffer.from(text));

/** One frame as it came, whatever it is. */
export interface SplitFrame {
  readonly type: number;
  readonly flags: number;
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
  readonly payload: Uint8Array;
  /** All of it, its header too. */
  readonly bytes: Uint8Array;
  /** The stream's byte behind it. */
  readonly end: number;
}

/** Takes the bytes of one direction, from its preface on, and gives the frames that they complete. */
export function createFrameSplitter(): (bytes: Uint8Array) => SplitFrame[] {
  let rest = Buffer.alloc(0);
  let taken = 0;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const frames: SplitFrame[] = [];
    const take = (length: number): Buffer => {
      const item = rest.subarray(0, length);
      rest = rest.subarray(length);
      taken += length;
      return item;
    };
    if (taken === 0) {
      if (rest.length < PREFACE.length) return frames;
      if (!take(PREFACE.length).equals(PREFACE)) throw new Error("a session does not begin like this");
    }
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt32BE(4)) {
      const frame = take(HEADER_BYTES + rest.readUInt32BE(4));
      frames.push({
        type: frame.readUInt8(0),
        flags: frame.readUInt8(1),
        disk: frame.readUInt16BE(2),
        offset: Number(frame.readBigUInt64BE(8)),
        length: Number(frame.readBigUInt64BE(16)),
        payload: frame.subarray(HEADER_BYTES),
        bytes: frame,
        end: taken,
      });
    }
    return frames;
  };
}

/** The whole frames of a direction. */
export const splitFrames = (stream: Uint8Array): SplitFrame[] => createFrameSplitter()(stream);

/** A message's object; undefined of a frame that is none. */
export function spokenIn({
  type,
  payload,
}: SplitFrame): { readonly say: string; readonly [key: string]: unknown } | undefined {
  return type === MESSAGE ? JSON.parse(Buffer.from(payload).toString()) : undefined;
}
