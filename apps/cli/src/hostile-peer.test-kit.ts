import { once } from "node:events";
import { createConnection } from "node:net";
import { crc32 } from "node:zlib";

import { onTestFinished } from "vitest";

/** What opens a session. */
export const PREFACE = Buffer.from("89626c6b6d69670a", "hex");

/** Characters of what is heard. */
const MOST_REMEMBERED = 100_000;

interface RawFrame {
  readonly type: number;
  readonly flags?: number;
  readonly disk?: number;
  /** Said of the payload, whatever it is. */
  readonly size?: number;
  readonly offset?: bigint;
  readonly length?: bigint;
  readonly payload?: Uint8Array;
}

/** A frame as the table in docs/wire-format.md has it, with sound checksums and whatever else it is told to say. */
export function rawFrame({ type, flags = 0, disk = 0, offset = 0n, length = 0n, ...rest }: RawFrame): Buffer {
  const payload = rest.payload ?? new Uint8Array(0);
  const header = Buffer.alloc(32);
  header.writeUInt8(type, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt16BE(disk, 2);
  header.writeUInt32BE(rest.size ?? payload.length, 4);
  header.writeBigUInt64BE(offset, 8);
  header.writeBigUInt64BE(length, 16);
  header.writeUInt32BE(crc32(payload), 24);
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28);
  return Buffer.concat([header, payload]);
}

/** A MESSAGE of any text. */
export function rawMessage(text: string): Buffer {
  return rawFrame({ type: 6, payload: Buffer.from(text) });
}

export function say(message: Readonly<Record<string, unknown>>): Buffer {
  return rawMessage(JSON.stringify(message));
}

/** What a well-behaved source says first, but for what is told otherwise. */
export function hello(migration: string, lies: Readonly<Record<string, unknown>> = {}): Buffer {
  return say({
    say: "hello",
    versions: [2, 2],
    features: [],
    migration,
    source: "hostile",
    disks: [{ name: "a", size: 1024 * 1024, granularity: 65536 }],
    frameBytes: 1024 * 1024,
    resume: false,
    incremental: false,
    clone: false,
    ...lies,
  });
}

export interface HostilePeer {
  /** How the receiver's log calls it. */
  readonly name: string;
  /** What the receiver has said, as text where it is text. */
  readonly heard: string;
  /** How many bytes have left. */
  readonly sent: number;
  put(bytes: Uint8Array): void;
  /** Reads nothing more. */
  goDeaf(): void;
  /** Settles when the receiver has said that, or has closed the connection: then it is false. */
  hears(text: string): Promise<boolean>;
  /** Settles when the receiver has closed the connection. */
  readonly dropped: Promise<void>;
  leave(): void;
}

export async function connectHostile(url: string): Promise<HostilePeer> {
  const { hostname, port } = new URL(url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {}); // a reset is one way to be dropped
  let heard = "";
  let onHeard = (): void => {};
  socket.on("data", (chunk: Buffer) => {
    heard = (heard + chunk.toString("latin1")).slice(-MOST_REMEMBERED);
    onHeard();
  });
  const dropped = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await Promise.race([once(socket, "connect"), dropped]).catch(() => {}); // it may be dropped before it knows
  return {
    name: `${socket.localAddress}:${socket.localPort}`,
    get heard() {
      return heard;
    },
    get sent() {
      return socket.bytesWritten - socket.writableLength;
    },
    put: (bytes) => void socket.write(bytes),
    goDeaf: () => void socket.pause(),
    hears: async (text) => {
      const coming = new Promise<boolean>((resolve) => {
        onHeard = () => heard.includes(text) && resolve(true);
        onHeard();
      });
      return Promise.race([coming, dropped.then(() => heard.includes(text))]);
    },
    dropped,
    leave: () => void socket.destroy(),
  };
}
