import type { Segments } from "./segments.ts";

/** Bytes of a message's head: u16 type, u16 length of what follows. */
export const RETURN_HEAD_BYTES = 4;
/** Bytes of what follows in every message that is known here: one u32. */
export const RETURN_VALUE_BYTES = 4;
/** The type of SHUT. */
export const SHUT = 1;
/** The type of PONG. */
export const PONG = 2;

/** What a receiver says back to the sender. `position` is the byte, of the bytes that came back, at which it began. */
export type ReturnMessage = ReturnShut | ReturnPong;

/** The receiver's last word: 0 when everything has arrived and is kept, else not. */
export interface ReturnShut {
  readonly type: "shut";
  readonly value: number;
  readonly position: number;
}

/** The answer to a PING: everything before it has been consumed. */
export interface ReturnPong {
  readonly type: "pong";
  /** The number that the PING carried. */
  readonly value: number;
  readonly position: number;
}

/**
 * The receiver's last word: 0 for all well, else a number of its own choice. Fresh memory that the caller owns.
 *
 * @throws RangeError unless `value` is a whole number from 0 to 2^32 - 1.
 */
export function encodeShut(value: number): Segments {
  return encodeMessage(SHUT, "SHUT", value);
}

/**
 * The answer to a PING, with the number that the PING carried: everything before it has been consumed. Fresh memory that
 * the caller owns.
 *
 * @throws RangeError unless `value` is a whole number from 0 to 2^32 - 1.
 */
export function encodePong(value: number): Segments {
  return encodeMessage(PONG, "PONG", value);
}

function encodeMessage(type: number, name: string, value: number): Segments {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`a ${name} value must be a whole number from 0 to 4294967295, not ${value}`);
  }
  const message = new Uint8Array(RETURN_HEAD_BYTES + RETURN_VALUE_BYTES);
  const view = new DataView(message.buffer);
  view.setUint16(0, type);
  view.setUint16(2, RETURN_VALUE_BYTES);
  view.setUint32(4, value);
  return [message];
}
