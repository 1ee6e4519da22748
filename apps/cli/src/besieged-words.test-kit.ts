import { PREFACE } from "./hostile-peer.test-kit.ts";
import { FIRST_WORDS } from "./hostile-words.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";

const text = (words: string): Buffer => Buffer.from(words, "latin1");
const repeat = (count: number, piece: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => piece));

/** Sizes, counts, names and JSON of a session that are none. */
export const TO_A_RECEIVER: readonly Uint8Array[] = Object.entries(FIRST_WORDS)
  .filter(([name]) => name !== "a later version") // it is answered in full, for it may mean well
  .map(([, [bytes]]) => Buffer.concat([PREFACE, bytes]));

/** It never says the whole preface: who does is the receiver, in clear text. */
export const TO_A_SENDER: readonly Uint8Array[] = [
  PREFACE.subarray(0, 7),
  text("HTTP/1.1 200 OK\r\n"),
  Buffer.alloc(MIB),
];

const UPGRADE = text(
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
);
const frame = (opcode: number, length: bigint): Buffer => {
  const head = Buffer.alloc(14);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | 127, 1);
  head.writeBigUInt64BE(length, 2);
  return Buffer.concat([head, Buffer.alloc(64 * 1024)]);
};

export const TO_A_WEBSOCKET: readonly Uint8Array[] = [
  text(`GET / HTTP/1.1\r\nX: ${"x".repeat(MIB)}\r\n\r\n`),
  text(`GET / HTTP/1.1\r\n${"X: y\r\n".repeat(10_000)}\r\n`),
  text(`GET /${"x".repeat(MIB)} HTTP/1.1\r\n\r\n`),
  Buffer.concat([UPGRADE, frame(2, 2n ** 62n)]),
  Buffer.concat([UPGRADE, frame(2, 5n * 2n ** 20n)]),
  Buffer.concat([UPGRADE, frame(9, 70_000n)]),
];

export const TO_TLS: readonly Uint8Array[] = [
  Buffer.concat([text("\x16\x03\x01\xff\xff\x01\xff\xff\xff"), Buffer.alloc(64 * 1024)]),
  Buffer.concat([text("\x16\x03\x01\x40\x00\x01\xff\xff\xff"), Buffer.alloc(64 * 1024)]),
  repeat(1000, text("\x15\x03\x03\x00\x02\x01\x00")),
  text("GET / HTTP/1.1\r\n\r\n"),
];

function option(code: number, said: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(code, 0);
  head.writeUInt32BE(said, 4);
  return Buffer.concat([text("IHAVEOPT"), head, data]);
}

function request(type: number, length: number): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(0x25609513, 0);
  head.writeUInt16BE(type, 6);
  head.writeUInt32BE(length, 24);
  return head;
}

const FIXED_NO_ZEROES = Buffer.from([0, 0, 0, 3]);
const LET_IN = Buffer.concat([FIXED_NO_ZEROES, option(1, 1, text("a"))]);

export const TO_NBD: readonly Uint8Array[] = [
  Buffer.concat([FIXED_NO_ZEROES, option(7, 2 ** 32 - 1, Buffer.alloc(65_536))]),
  Buffer.concat([FIXED_NO_ZEROES, repeat(1000, option(3, 0))]),
  Buffer.concat([FIXED_NO_ZEROES, option(7, 4, Buffer.alloc(4, 0xff))]),
  Buffer.concat([LET_IN, repeat(50, request(0, 2 ** 32 - 1))]),
  Buffer.concat([LET_IN, request(1, 2 ** 32 - 1), Buffer.alloc(65_536)]),
];

export const TO_CONTROL: readonly Uint8Array[] = [
  text("x".repeat(65_537)),
  text(`${"[".repeat(60_000)}\n`),
  text('{"id":1,"do":"status"}\n'.repeat(100)),
  text(`{"id":1,"do":"send","to":"${"x".repeat(60_000)}"}\n`),
];
