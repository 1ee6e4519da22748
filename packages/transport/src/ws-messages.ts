import { MESSAGE_BYTES } from "./ws-limits.ts";

/** The message that is the end: a WebSocket has no half-close. */
export const END: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Views of a segment, `MESSAGE_BYTES` at most: where a message ends means nothing, so nothing has to be joined. */
export function intoMessages(segment: Uint8Array): Uint8Array[] {
  const count = Math.ceil(segment.length / MESSAGE_BYTES);
  return Array.from({ length: count }, (_, i) => segment.subarray(i * MESSAGE_BYTES, (i + 1) * MESSAGE_BYTES));
}
