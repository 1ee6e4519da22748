import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

import { connectWs, listenWs, type WsListenOptions } from "./ws.ts";

async function startListening(options: Partial<WsListenOptions> = {}) {
  const listener = await listenWs({ host: "127.0.0.1", port: 0, path: "/migrate", ...options });
  onTestFinished(() => listener.close());
  return listener;
}

/** A peer of another make, and our end of it. */
async function acceptForeign(options: Partial<WsListenOptions> = {}) {
  const listener = await startListening(options);
  const foreign = new WebSocket(listener.url);
  const ours = (await listener.accept())!;
  if (foreign.readyState !== foreign.OPEN) await once(foreign, "open");
  onTestFinished(() => {
    ours.destroy();
    foreign.terminate();
  });
  return { foreign, ours };
}

const readSome = async (from: { read(into: Uint8Array): Promise<number> }) => from.read(new Uint8Array(100));

test("an empty message is the end, and when both have sent one the WebSocket closes with 1000", async () => {
  const { foreign, ours } = await acceptForeign();
  const closed = once(foreign, "close");
  foreign.send(Uint8Array.of(1));
  foreign.send(new Uint8Array(0));
  expect([await readSome(ours), await readSome(ours), await readSome(ours)]).toEqual([1, 0, 0]);
  await ours.finish();
  expect((await closed)[0]).toBe(1000);
});

test("a close without the empty message is a reset, however politely it is said", async () => {
  const { foreign, ours } = await acceptForeign();
  foreign.send(Uint8Array.of(1));
  foreign.close(1000, "bye");
  expect(await readSome(ours)).toBe(1);
  await expect(readSome(ours)).rejects.toMatchObject({ code: "reset" });
});

test("text is a protocol error", async () => {
  const { foreign, ours } = await acceptForeign();
  const closed = once(foreign, "close");
  foreign.send("hello");
  await expect(readSome(ours)).rejects.toMatchObject({ code: "protocol" });
  expect((await closed)[0]).toBe(1002);
});

test("more after the end is a protocol error for what is sent, and the end stays", async () => {
  const { foreign, ours } = await acceptForeign();
  const closed = once(foreign, "close");
  foreign.send(new Uint8Array(0));
  foreign.send(Uint8Array.of(1));
  expect(await readSome(ours)).toBe(0);
  await closed;
  await expect(ours.send([Uint8Array.of(1)])).rejects.toMatchObject({ code: "protocol" });
});

test("a message that is too long breaks the limit", async () => {
  const { foreign, ours } = await acceptForeign({ maxPayload: 1000 });
  foreign.send(new Uint8Array(1001));
  await expect(readSome(ours)).rejects.toMatchObject({ code: "limit" });
});

test("a long segment is sent as messages of at most 256 KiB", async () => {
  const { foreign, ours } = await acceptForeign();
  const lengths: number[] = [];
  foreign.on("message", (data: Buffer) => lengths.push(data.length));
  await ours.send([new Uint8Array(2 * 256 * 1024 + 5), Uint8Array.of(1)]);
  await ours.finish();
  while (lengths.at(-1) !== 0) await once(foreign, "message");
  expect(lengths).toEqual([256 * 1024, 256 * 1024, 5, 1, 0]);
});

test("a peer that answers no ping is dead", async () => {
  const listener = await startListening({ pingEveryMs: 5, deadAfterMs: 50 });
  const silent = await upgradeByHand(listener.url);
  const ours = await listener.accept();
  await expect(readSome(ours!)).rejects.toMatchObject({ code: "timeout" });
  silent.destroy();
});

test("a peer that answers lives, however little it says", async () => {
  const { foreign, ours } = await acceptForeign({ pingEveryMs: 2, deadAfterMs: 1000 });
  const reading = readSome(ours);
  for (let pings = 0; pings < 20; pings++) await once(foreign, "ping");
  foreign.send(Uint8Array.of(1));
  expect(await reading).toBe(1);
});

test.each([
  ["another path", {}, "/other", 404],
  ["a page of a browser", { origin: "https://evil.example" }, "/migrate", 403],
  ["a page of no origin", { origin: "null" }, "/migrate", 403],
])("%s is refused", async (_what, headers, path, status) => {
  const listener = await startListening({ allowOrigin: ["https://good.example"] });
  const dialling = connectWs({ url: listener.url.replace("/migrate", path), headers });
  await expect(dialling).rejects.toMatchObject({ code: "connect", message: expect.stringContaining(String(status)) });
});

test("an origin that is allowed may connect", async () => {
  const listener = await startListening({ allowOrigin: ["https://good.example"] });
  const dialled = await connectWs({ url: listener.url, headers: { origin: "https://good.example" } });
  expect(dialled.peer).toBe(listener.url);
  dialled.destroy();
});

test("a plain request is told that this is a WebSocket", async () => {
  const listener = await startListening();
  const response = await fetch(listener.url.replace("ws:", "http:"));
  expect(response.status).toBe(426);
});

test("a peer that never asks for the upgrade is dropped", async () => {
  const refused: string[] = [];
  const onRefused = (_: string, why: string): void => void refused.push(why);
  const listener = await startListening({ handshakeTimeoutMs: 20, onRefused });
  const { port } = new URL(listener.url);
  const socket = createConnection({ host: "127.0.0.1", port: Number(port) }).resume();
  socket.write("GET / HTTP/1.1\r\n");
  await once(socket, "close");
  expect(refused).toEqual(["it had not asked for the upgrade within 20 ms"]);
});

test("only so many are about to ask for the upgrade at once, and the longest makes room for who comes", async () => {
  const refused: string[] = [];
  const onRefused = (_: string, why: string): void => void refused.push(why);
  const listener = await startListening({ handshakeTimeoutMs: 300_000, onRefused }); // nobody leaves by itself
  const port = Number(new URL(listener.url).port);
  const mutes = Array.from({ length: 65 }, () => createConnection({ host: "127.0.0.1", port }).resume());
  onTestFinished(() => mutes.forEach((mute) => mute.destroy()));
  await Promise.race(mutes.map(async (mute) => once(mute, "close")));
  expect(refused).toEqual(["it had not asked for the upgrade when 64 others had come after it"]);
  for (let count = 0; count < 100; count++) {
    const dialled = await connectWs({ url: listener.url });
    expect(await listener.accept()).toBeDefined(); // each gives its place back when it has become a WebSocket
    onTestFinished(() => dialled.destroy());
  }
  expect(refused).toHaveLength(2);
});

test("a signal ends the attempt, and so does a server that does not answer", async () => {
  const mute = createServer(() => {}).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const url = `ws://127.0.0.1:${(mute.address() as { port: number }).port}/`;
  const controller = new AbortController();
  const dialling = connectWs({ url, signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(dialling).rejects.toMatchObject({ code: "destroyed" });
  await expect(connectWs({ url, handshakeTimeoutMs: 20 })).rejects.toMatchObject({ code: "connect" });
  mute.close();
});

async function upgradeByHand(url: string): Promise<Socket> {
  const { port, pathname } = new URL(url);
  const socket = createConnection({ host: "127.0.0.1", port: Number(port) });
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  socket.resume(); // hears, and never answers
  await once(socket, "connect");
  return socket;
}
