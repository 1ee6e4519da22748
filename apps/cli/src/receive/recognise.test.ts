import {
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeProgress,
  encodeZeroBlocks,
  SESSION_MAGIC,
} from "@blkmig/protocol";
import { expect, it } from "vitest";

import { recognise, tooShort } from "./recognise.ts";

const name = encodeDeviceName("vda");
const first8 = (segments: readonly Uint8Array[]): Uint8Array => segments[0]!.subarray(0, 8);

it.each([
  ["an end of section", first8(encodeEos())],
  ["a progress", first8(encodeProgress(57))],
  ["a block", first8(encodeBlock(name, 2 ** 40, new Uint8Array(2 ** 20)))],
  ["a zero block", first8(encodeZeroBlocks(name, 0, 1))],
])("%s begins a stream", (_, bytes) => expect(recognise(bytes)).toEqual({ is: "classic" }));

it.each([
  ["a web browser", "GET / HTTP/1.1"],
  ["a secure shell", "SSH-2.0-OpenSSH"],
  ["another order of bytes", "\u0002\0\0\0\0\0\0\0"],
  ["all flags", "\0\0\0\0\0\0\0\u000F"],
  ["an offset inside a block", "\0\0\0\0\0\0\u0002\u0001"],
  ["a progress of 101", "\0\0\0\0\0\0\u00CA\u0004"],
])("%s does not", (_, text) => {
  expect(recognise(Buffer.from(text, "latin1"))).toMatchObject({ is: "foreign" });
});

it("QEMU's own stream is known by four bytes", () => {
  expect(recognise(Buffer.from("QEV"))).toEqual({ is: "undecided" });
  expect(recognise(Buffer.from("QEVM"))).toEqual({ is: "qemu" });
});

it("a session is known by its magic, whole", () => {
  expect(recognise(SESSION_MAGIC)).toEqual({ is: "session" });
  expect(recognise(SESSION_MAGIC.subarray(0, 7))).toEqual({ is: "undecided" });
  expect(recognise(SESSION_MAGIC.with(7, 0))).toMatchObject({ is: "foreign" });
});

it("fewer than eight bytes tell nothing", () => {
  expect(recognise(new Uint8Array(7))).toEqual({ is: "undecided" });
  expect(tooShort(new Uint8Array(7))).toMatch(/after 7 of the 8 bytes/);
  expect(tooShort(new Uint8Array())).toBe("the stream is empty");
});
