import { describeConnection } from "@blkmig/testkit";
import { expect, onTestFinished, test } from "vitest";

import { connectWeb } from "./web.ts";
import { listenWs } from "./ws.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0, path: "/migrate" };

/** Node.js has the browsers' WebSocket, too: one end is that, the other one `ws`. */
async function webPair(unreadBytes = 128 * 1024 * 1024) {
  const listener = await listenWs(LOOPBACK);
  const [web, ws] = await Promise.all([connectWeb({ url: listener.url, unreadBytes }), listener.accept()]);
  const cleanup = async () => {
    web.destroy();
    ws!.destroy();
    await listener.close();
  };
  return { web, ws: ws!, url: listener.url, cleanup };
}

const capabilities = { bulkBytes: 256 * 1024 * 1024, growth: 256 * 1024 * 1024 };

describeConnection("web, sending", async () => {
  const { web, ws, cleanup } = await webPair();
  return { a: web, b: ws, cleanup, capabilities };
});

describeConnection("web, receiving", async () => {
  const { web, ws, cleanup } = await webPair();
  return { a: ws, b: web, cleanup, capabilities: { ...capabilities, waits: false } };
});

test("more than may be unread breaks the wire; what had come before is read", async () => {
  const { web, ws, cleanup } = await webPair(1000);
  onTestFinished(cleanup);
  const into = new Uint8Array(10);
  const reading = web.read(into);
  await ws.send([Uint8Array.of(1)]);
  expect([await reading, into[0]]).toEqual([1, 1]);
  const cut = ws.read(new Uint8Array(1)).catch((error: unknown) => error);
  await ws.send([new Uint8Array(600).fill(2), new Uint8Array(600).fill(3)]);
  expect(await cut).toMatchObject({ code: "reset" });
  const rest = new Uint8Array(2000);
  expect([await web.read(rest), rest[599], rest[600]]).toEqual([600, 2, 0]);
  await expect(web.read(rest)).rejects.toMatchObject({ code: "limit" });
  await expect(web.send([into])).rejects.toMatchObject({ code: "limit" });
});

test("what was read no longer counts as unread", async () => {
  const { web, ws, cleanup } = await webPair(1000);
  onTestFinished(cleanup);
  const into = new Uint8Array(900);
  for (let round = 1; round < 5; round++) {
    await ws.send([new Uint8Array(900).fill(round)]);
    for (let got = 0; got < 900;) got += await web.read(into.subarray(got));
    expect(into.every((byte) => byte === round)).toBe(true);
  }
});

test("nobody there is an error, and so is an attempt that is given up", async () => {
  const { url, cleanup } = await webPair();
  await cleanup();
  await expect(connectWeb({ url })).rejects.toMatchObject({ code: "connect", url });
  const reason = new Error("enough");
  await expect(connectWeb({ url, signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
    code: "destroyed",
    cause: reason,
  });
  const giveUp = new AbortController();
  const attempt = connectWeb({ url, signal: giveUp.signal });
  giveUp.abort(reason);
  await expect(attempt).rejects.toMatchObject({ code: "destroyed", cause: reason });
});
