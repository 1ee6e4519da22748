import type { SessionMessage } from "./session-message.ts";

/** The eight bytes that open a session in either direction: no word of a classic stream, and not "QEVM". */
export const SESSION_MAGIC: Uint8Array = Uint8Array.of(0x89, 0x62, 0x6c, 0x6b, 0x6d, 0x69, 0x67, 0x0a); // "\x89blkmig\n"
/** The version of the session that is written down here. */
export const SESSION_VERSION = 2;
/** Bytes of every frame's header. */
export const SESSION_HEADER_BYTES = 32;
/** The longest data frame where nothing else was agreed, bytes; and the longest that may be agreed. */
export const FRAME_BYTES: number = 1024 * 1024;
/** The most bytes of data that any two ends may agree on for one frame. */
export const MOST_FRAME_BYTES: number = 16 * 1024 * 1024;
/** The longest message, bytes of its JSON text. */
export const MESSAGE_BYTES: number = 128 * 1024;
/** Bytes of an extent's SHA-256. */
export const DIGEST_BYTES = 32;

/** Where an extent lies: the disk by its index in HELLO's table; offset and length in bytes, of any alignment. */
export interface SessionExtent {
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
}

/** One frame of a session. `position` is the stream's byte at which it begins. */
export type SessionFrame =
  /** A data frame's header, before its bytes: `land()` a buffer of at least `length` bytes. */
  | ({ readonly type: "payload"; readonly position: number } & SessionExtent)
  /** Whole, and its checksum was right. `data` is a view of the landed buffer, which is the caller's again. */
  | ({ readonly type: "data"; readonly data: Uint8Array; readonly position: number } & SessionExtent)
  /** All of it reads as zero, whatever its length. */
  | ({ readonly type: "hole"; readonly position: number } & SessionExtent)
  /** What the source has there: its SHA-256 (a copy), or nothing but zeroes. Asks whether the sink has the same. */
  | ({ readonly type: "hash"; readonly digest: Uint8Array | "zero"; readonly position: number } & SessionExtent)
  /** The answer to the HASH of this very extent. */
  | ({ readonly type: "answer"; readonly equal: boolean; readonly position: number } & SessionExtent)
  /**
   * Of the data and hole frames of this connection, in their order: the first `written` are on their disks, and the first
   * `durable` of these on stable storage.
   */
  | { readonly type: "ack"; readonly written: number; readonly durable: number; readonly position: number }
  | { readonly type: "message"; readonly message: SessionMessage; readonly position: number }
  | { readonly type: "ping" | "pong"; readonly value: number; readonly position: number };

/** CRC-32 (IEEE 802.3, reflected), going on from `seed`: `node:zlib`'s `crc32` is one. */
export type Crc32 = (data: Uint8Array, seed?: number) => number;
