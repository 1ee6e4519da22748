import { EOF, VM_DESCRIPTION } from "./envelope-wire.ts";

/** EOF, the type, and the length: what stands before the JSON. */
const HEAD_BYTES = 6;

/**
 * The description of the machine that ends a migration stream, if `tail`, the last bytes of it (borrowed for the call),
 * holds it from its EOF on to its very end. `offset` is where in `tail` its type stands, behind EOF. Nothing of it was
 * parsed but that it is UTF-8.
 */
export function findVmDescription(tail: Uint8Array): { offset: number; json: string } | undefined {
  // JSON has no zero byte, so the last one is of the head: EOF itself, or of the length.
  const zero = tail.lastIndexOf(0);
  for (let eof = zero; eof >= 0 && zero - eof < HEAD_BYTES; eof--) {
    if (isHead(tail, eof)) return described(tail, eof);
  }
  return undefined;
}

function isHead(tail: Uint8Array, at: number): boolean {
  if (tail.length - at < HEAD_BYTES || tail[at] !== EOF || tail[at + 1] !== VM_DESCRIPTION) return false;
  return new DataView(tail.buffer, tail.byteOffset + at + 2, 4).getUint32(0) === tail.length - at - HEAD_BYTES;
}

function described(tail: Uint8Array, eof: number): { offset: number; json: string } | undefined {
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(tail.subarray(eof + HEAD_BYTES));
    return { offset: eof + 1, json };
  } catch {
    return undefined; // no description after all: bytes of the machine that look like the head of one
  }
}
