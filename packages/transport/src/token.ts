import { randomBytes } from "node:crypto";

import { SHORTEST_TOKEN } from "./tls-options.ts";

const TOKEN_BYTES = 32;

/** A new random token of 32 bytes, as base64url: both ends of a wire are told it, nobody else. */
export function createToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/**
 * The bytes of a token's text (base64url, with or without white space around it), at least 16. Throws a `TypeError` that
 * does not repeat the text, since it is a secret.
 */
export function parseToken(text: string): Uint8Array {
  const word = text.trim();
  if (word === "") throw new TypeError("the token is empty");
  if (!/^[\w-]+$/u.test(word)) {
    throw new TypeError("a token has only letters, digits, '-' and '_' (base64url): this one has something else");
  }
  const bytes = Buffer.from(word, "base64url");
  if (bytes.toString("base64url") !== word) throw new TypeError("the token is not whole: some of it is missing");
  if (bytes.length < SHORTEST_TOKEN) {
    throw new TypeError(`a token of ${bytes.length} bytes could be guessed: it must have at least ${SHORTEST_TOKEN}`);
  }
  return new Uint8Array(bytes);
}
