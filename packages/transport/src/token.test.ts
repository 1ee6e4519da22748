import { expect, test } from "vitest";

import { createToken, parseToken } from "./tls.ts";

test("a token is 32 random bytes, and white space around it is no part of it", () => {
  const text = createToken();
  expect(text).toMatch(/^[\w-]{43}$/u);
  expect(createToken()).not.toBe(text);
  expect(parseToken(`  ${text}\r\n`)).toEqual(new Uint8Array(Buffer.from(text, "base64url")));
  expect(parseToken(text)).toHaveLength(32);
});

test.each([
  ["", "is empty"],
  [" \n", "is empty"],
  ["AAAAAAAAAAAAAAAAAAAA", "a token of 15 bytes could be guessed: it must have at least 16"],
  ["two words", "has something else"],
  ["AAAAAAAAAAAAAAAAAAAAAA==", "has something else"],
  ["AAAAAAAAAAAAAAAAAAAAAAAAA", "is not whole"],
])("'%s' is refused: %s", (text, why) => {
  expect(() => parseToken(text)).toThrow(TypeError);
  expect(() => parseToken(text)).toThrow(why);
});

test("a refusal does not repeat the secret", () => {
  expect(() => parseToken("s3cret word")).toThrow(expect.not.stringContaining("s3cret"));
});
