import { CHUNK, CHUNK_DONE, CHUNK_HEADER_BYTES, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from "./nbd-numbers.ts";
import type { NbdRequest } from "./server-requests.ts";

/** The chunk of a read's data begins with its offset. */
export const DATA_CHUNK_BYTES: number = CHUNK_HEADER_BYTES + 8;

/** What is known of a run of bytes, as flags of its context. */
export interface Descriptor {
  length: number;
  readonly flags: number;
}

/** Puts a whole simple reply, of `SIMPLE_REPLY_BYTES`; the data of a read follows it. */
export function putSimpleReply(view: DataView, at: number, request: NbdRequest, error: number): void {
  view.setUint32(at, SIMPLE_REPLY_MAGIC);
  view.setUint32(at + 4, error);
  putCookie(view, at + 8, request);
}

/** Puts the only chunk of a read's reply, of `DATA_CHUNK_BYTES`; the data follow it. */
export function putDataChunk(view: DataView, at: number, request: NbdRequest): void {
  putChunkHeader(view, at, request, CHUNK.OFFSET_DATA, 8 + request.length);
  putOffset(view, at + CHUNK_HEADER_BYTES, request.offset);
}

/** The only chunk of a reply that says what went wrong; borrows nothing. */
export function encodeErrorChunk(request: NbdRequest, error: number, message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  const sentence = text.subarray(0, MOST_SENTENCE_BYTES);
  const bytes = new Uint8Array(CHUNK_HEADER_BYTES + 6 + sentence.length);
  const view = new DataView(bytes.buffer);
  putChunkHeader(view, 0, request, CHUNK.ERROR, 6 + sentence.length);
  view.setUint32(CHUNK_HEADER_BYTES, error);
  view.setUint16(CHUNK_HEADER_BYTES + 4, sentence.length);
  bytes.set(sentence, CHUNK_HEADER_BYTES + 6);
  return bytes;
}

/** The only chunk of a reply that says what is where; borrows nothing. */
export function encodeStatusChunk(request: NbdRequest, context: number, runs: readonly Descriptor[]): Uint8Array {
  const length = 4 + runs.length * 8;
  const bytes = new Uint8Array(CHUNK_HEADER_BYTES + length);
  const view = new DataView(bytes.buffer);
  putChunkHeader(view, 0, request, CHUNK.BLOCK_STATUS, length);
  view.setUint32(CHUNK_HEADER_BYTES, context);
  runs.forEach((run, index) => {
    view.setUint32(CHUNK_HEADER_BYTES + 4 + index * 8, run.length);
    view.setUint32(CHUNK_HEADER_BYTES + 8 + index * 8, run.flags);
  });
  return bytes;
}

/** A longer sentence is of no use to a person, and the protocol allows no more than 4096 bytes. */
const MOST_SENTENCE_BYTES = 1024;

function putChunkHeader(view: DataView, at: number, request: NbdRequest, type: number, length: number): void {
  view.setUint32(at, STRUCTURED_REPLY_MAGIC);
  view.setUint16(at + 4, CHUNK_DONE);
  view.setUint16(at + 6, type);
  putCookie(view, at + 8, request);
  view.setUint32(at + 16, length);
}

function putCookie(view: DataView, at: number, { cookieHigh, cookieLow }: NbdRequest): void {
  view.setUint32(at, cookieHigh);
  view.setUint32(at + 4, cookieLow);
}

function putOffset(view: DataView, at: number, offset: number): void {
  view.setUint32(at, Math.floor(offset / 2 ** 32));
  view.setUint32(at + 4, offset % 2 ** 32);
}
