import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";

import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

import { toDialSettings } from "./tls-options.ts";
import { createToken, parseToken } from "./tls.ts";
import { connectWs, listenWs, type WsListenOptions } from "./ws.ts";

const HOST = "127.0.0.1";
const tls = { token: parseToken(createToken()) };

async function startListening(options: Partial<WsListenOptions> = {}) {
  const refusals: string[] = [];
  let wake = () => {};
  const onRefused = (peer: string, why: string) => {
    refusals.push(`${peer.replace(/:\d+\//u, "/")} ${why}`);
    wake();
  };
  const listener = await listenWs({ host: HOST, port: 0, path: "/migrate", tls, onRefused, ...options });
  onTestFinished(() => listener.close());
  const refusal = async () => {
    while (refusals.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return refusals[0];
  };
  return { listener, refusal, port: Number(new URL(listener.url).port) };
}

test("a listener's URL says that it is secure, and so does a peer's", async () => {
  const { listener } = await startListening();
  expect(listener.url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/migrate$/u);
  const dialled = await connectWs({ url: listener.url, tls });
  const accepted = await listener.accept();
  expect([dialled.peer, accepted!.peer]).toEqual([listener.url, expect.stringMatching(/^wss:\/\/127/u)]);
  dialled.destroy();
  accepted!.destroy();
});

test("another token is refused at both ends", async () => {
  const { listener, refusal } = await startListening();
  const dialling = connectWs({ url: listener.url, tls: { token: parseToken(createToken()) } });
  await expect(dialling).rejects.toMatchObject({
    code: "connect",
    message: expect.stringContaining("did not take the token"),
  });
  expect(await refusal()).toBe("wss://127.0.0.1/migrate it has another token");
});

test("a peer that leaves in the middle is told of", async () => {
  const { port, refusal } = await startListening();
  const shy = connect({ host: HOST, port });
  await once(shy, "connect");
  shy.end();
  expect(await refusal()).toBe("wss://127.0.0.1/migrate it went away during the handshake");
});

test("a WebSocket in clear text is only a failed handshake", async () => {
  const { listener, refusal } = await startListening();
  const dialling = connectWs({ url: listener.url.replace("wss:", "ws:") });
  await expect(dialling).rejects.toMatchObject({ code: "connect" });
  expect(await refusal()).toMatch(/it speaks clear text, not TLS$/u);
});

test("a listener in clear text is told apart, and one that answers no upgrade", async () => {
  const plain = await listenWs({ host: HOST, port: 0, path: "/migrate" });
  const dialling = connectWs({ url: plain.url.replace("ws:", "wss:"), tls });
  await expect(dialling).rejects.toMatchObject({ message: expect.stringContaining("speaks clear text") });
  await plain.close();
  const { listener } = await startListening();
  const elsewhere = connectWs({ url: listener.url.replace("/migrate", "/other"), tls });
  await expect(elsewhere).rejects.toMatchObject({ code: "connect", message: expect.stringContaining("404") });
  await listener.close();
  const gone = connectWs({ url: listener.url, tls });
  await expect(gone).rejects.toMatchObject({ code: "connect", message: expect.stringContaining("ECONNREFUSED") });
});

test("a page of a browser is refused, token or not", async () => {
  const { listener } = await startListening();
  const page = new WebSocket(listener.url, { ...toDialSettings(tls, HOST), origin: "https://evil.example" });
  expect(String(await once(page, "error"))).toContain("403");
});

test("a peer that never asks for the upgrade is dropped, before TLS and after it", async () => {
  const { port, refusal } = await startListening({ handshakeTimeoutMs: 50 });
  const mute = connect({ host: HOST, port }).resume();
  const secure = connectSecurely({ ...toDialSettings(tls, HOST), port }).resume();
  secure.on("error", () => {}); // it is cut off
  await Promise.all([once(mute, "close"), once(secure, "close")]);
  expect(await refusal()).toMatch(/it was not ready within 50 ms$/u);
});

test("closing drops those that have not become WebSockets, and nobody else", async () => {
  const { listener, port } = await startListening();
  const dialled = await connectWs({ url: listener.url, tls });
  const accepted = (await listener.accept())!;
  const secure = connectSecurely({ ...toDialSettings(tls, HOST), port }).resume();
  secure.on("error", () => {}); // it is cut off
  await once(secure, "secureConnect");
  await listener.close();
  await once(secure, "close");
  await dialled.send([Uint8Array.of(1)]);
  expect(await accepted.read(new Uint8Array(9))).toBe(1);
  dialled.destroy();
  accepted.destroy();
});

test("wss: and keys go together", async () => {
  await expect(connectWs({ url: "wss://host/" })).rejects.toThrow(TypeError);
  await expect(connectWs({ url: "ws://host/", tls })).rejects.toThrow(TypeError);
});
