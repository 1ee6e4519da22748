import { OPTION_HEADER_BYTES, OPTION_MAGIC, REQUEST_BYTES, REQUEST_MAGIC } from "./nbd-numbers.ts";

/** The fixed part of a request; a write's bytes follow it. */
export interface RequestHeader {
  readonly flags: number;
  readonly command: number;
  /** What the answer will carry: 0 to 2^53. */
  readonly cookie: number;
  readonly offset: number;
  readonly length: number;
}

export function encodeRequest(request: RequestHeader): Uint8Array {
  const bytes = new Uint8Array(REQUEST_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, REQUEST_MAGIC);
  view.setUint16(4, request.flags);
  view.setUint16(6, request.command);
  view.setBigUint64(8, BigInt(request.cookie));
  view.setBigUint64(16, BigInt(request.offset));
  view.setUint32(24, request.length);
  return bytes;
}

/** The client's answer to the greeting. */
export function encodeClientFlags(flags: number): Uint8Array {
  return u32(flags);
}

export function encodeOption(option: number, data: readonly Uint8Array[] = []): Uint8Array {
  const length = data.reduce((sum, piece) => sum + piece.length, 0);
  const header = new Uint8Array(OPTION_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setBigUint64(0, OPTION_MAGIC);
  view.setUint32(8, option);
  view.setUint32(12, length);
  return concat([header, ...data]);
}

/** The data of GO: which export, and what is to be told of it besides its size. */
export function encodeGo(exportName: string, infos: readonly number[]): Uint8Array[] {
  return [...text(exportName), u16(infos.length), ...infos.map(u16)];
}

/** The data of SET_META_CONTEXT. */
export function encodeContexts(exportName: string, queries: readonly string[]): Uint8Array[] {
  return [...text(exportName), u32(queries.length), ...queries.flatMap(text)];
}

function text(value: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [u32(bytes.length), bytes];
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
