import { expect, test } from "vitest";

import { parseNbdAddress } from "./parse-nbd-address.ts";

const secure = { insecure: false };

test.each([
  ["nbd://127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
  ["nbd://[::1]", { kind: "tcp", host: "::1", port: 10_809 }],
  ["nbd+unix:///?socket=/run/a", { kind: "unix", path: "/run/a" }],
  ["nbds://0.0.0.0", { kind: "tcp", host: "0.0.0.0", port: 10_809 }],
])("%s may be served at", (text, at) => {
  expect(parseNbdAddress(text, secure)).toMatchObject({ at, exportName: "" });
});

test("clear text that other machines reach is refused, unless it is allowed", () => {
  expect(() => parseNbdAddress("nbd://0.0.0.0", secure)).toThrow(
    expect.objectContaining({ code: "refused", message: expect.stringContaining("--insecure") }),
  );
  expect(parseNbdAddress("nbd://0.0.0.0", { insecure: true }).at).toMatchObject({ host: "0.0.0.0" });
});

test.each([
  ["nbd://127.0.0.1/vda", "an export cannot be said here"],
  ["tcp://127.0.0.1:4711", "--nbd: "],
])("%s is a mistake", (text, why) => {
  expect(() => parseNbdAddress(text, secure)).toThrow(
    expect.objectContaining({ code: "usage", message: expect.stringContaining(why) }),
  );
});
