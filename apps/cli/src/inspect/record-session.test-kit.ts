import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

import { onTestFinished } from "vitest";

/** Stands before a receiver at a `tcp:` address, and keeps what was said in either direction. */
export async function recordSession(receiver: string): Promise<{ url: string; source: Buffer[]; sink: Buffer[] }> {
  const [source, sink]: [Buffer[], Buffer[]] = [[], []];
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const { hostname, port } = new URL(receiver.replace("tcp:", "http:"));
    const far = createConnection({ host: hostname, port: Number(port) });
    sockets.push(near, far);
    near.on("data", (chunk: Buffer) => source.push(chunk)).pipe(far);
    far.on("data", (chunk: Buffer) => sink.push(chunk)).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {}); // the session's own ends tell of it
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, source, sink };
}
