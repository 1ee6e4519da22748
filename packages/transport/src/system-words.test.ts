import { expect, it } from "vitest";

import { systemWords } from "./system-words.ts";

/** As Node.js makes them. */
function system(message: string, fields: Readonly<Record<string, unknown>>): Error {
  return Object.assign(new Error(message), fields);
}

const refused = (address: string): Error =>
  system(`connect ECONNREFUSED ${address}:1`, { code: "ECONNREFUSED", syscall: "connect", address, port: 1 });

it.each([
  [refused("127.0.0.1"), "nobody listens there (ECONNREFUSED)"],
  [new AggregateError([refused("127.0.0.1"), refused("::1")]), "nobody listens there (ECONNREFUSED)"],
  [system("getaddrinfo ENOTFOUND x", { code: "ENOTFOUND" }), "no host of that name is known (ENOTFOUND)"],
  [system("ENOSPC: no space left on device, write", { code: "ENOSPC" }), "no space left on device (ENOSPC)"],
  [
    system("EISDIR: illegal operation on a directory, open '/a, b'", { code: "EISDIR" }),
    "illegal operation on a directory (EISDIR)",
  ],
  [
    system("listen EADDRNOTAVAIL: address not available 10.0.0.9:5", { code: "EADDRNOTAVAIL", address: "10.0.0.9" }),
    "address not available (EADDRNOTAVAIL)",
  ],
  [system("read EDEVERR", { code: "EDEVERR" }), "read EDEVERR"],
  [new Error("the key is too short"), "the key is too short"],
  ["given up", "given up"],
])("%s is told as '%s'", (error, words) => {
  expect(systemWords(error)).toBe(words);
});
