import { expect, test } from "vitest";

import { chooseSha256, digestWhole } from "./sha256.ts";

async function* inPieces(bytes: Uint8Array, piece: number): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(piece);
  for (let at = 0; at < bytes.length; at += piece) {
    const part = bytes.subarray(at, at + piece);
    buffer.set(part);
    yield buffer.subarray(0, part.length); // the same memory each time
  }
}

const hex = (digest: Uint8Array): string => Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");

test.each([1, 3, 1000])(
  "what is hashed whole and what is hashed in pieces of %i is one and the same",
  async (piece) => {
    const bytes = new TextEncoder().encode("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"); // FIPS 180-2, B.2
    const expected = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
    expect(hex(await digestWhole(inPieces(bytes, piece), bytes.length))).toBe(expected);
    expect(hex(await chooseSha256()(inPieces(bytes, piece), bytes.length))).toBe(expected);
  },
);
