import { nodeBuiltin } from "./node-builtin.ts";

/** The SHA-256 of pieces, `length` bytes in all; borrows each until the next is asked for. */
export type Sha256 = (pieces: AsyncIterable<Uint8Array>, length: number) => Promise<Uint8Array>;

/** Piece by piece in Node.js. Elsewhere the pieces are joined first: an extent to be hashed is no longer than a data frame. */
export function chooseSha256(): Sha256 {
  const crypto = nodeBuiltin("node:crypto");
  if (crypto === undefined) return digestWhole;
  return async (pieces) => {
    const hash = crypto.createHash("sha256");
    for await (const bytes of pieces) hash.update(bytes);
    return hash.digest();
  };
}

/** By Web Crypto, which hashes whole buffers only. Throws in a page that is no secure context: it has none. */
export async function digestWhole(pieces: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const bytes of pieces) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}
