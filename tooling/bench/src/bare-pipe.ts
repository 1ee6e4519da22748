// A file through a socket, by nothing but Node.js: `bare-pipe.ts receive|send tcp|tls PORT FILE`. It is what a wire costs at
// least: no frames, no checksum, no flush. TLS is as blkmig has it with a token: TLS 1.3, a pre-shared key, the same suite.
import { createReadStream, createWriteStream } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";

const [, , direction, wire, port, file] = process.argv as [string, string, string, string, string, string];
const AT_ONCE = { highWaterMark: 1024 * 1024 };
const SUITE = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" } as const;
const SECRET = { identity: "bench", psk: Buffer.alloc(32, 7) };
const to = { host: "127.0.0.1", port: Number(port) };

if (direction === "receive") receive();
else await send();

function receive(): void {
  const take = (socket: Socket): void => {
    server.close();
    void pipeline(socket, createWriteStream(file, { ...AT_ONCE, flags: "r+" }));
  };
  const server =
    wire === "tls" ? createTlsServer({ ...SUITE, pskCallback: () => SECRET.psk }, take) : createServer(take);
  server.listen(to);
}

async function send(): Promise<void> {
  const secure = { ...SUITE, pskCallback: () => SECRET, checkServerIdentity: () => undefined };
  const socket = wire === "tls" ? connectTls({ ...to, ...secure }) : connect(to);
  await pipeline(createReadStream(file, AT_ONCE), socket);
}
