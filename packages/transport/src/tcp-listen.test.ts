import { expect, test } from "vitest";

import type { Connection } from "./connection.ts";
import { connectTcp, listenTcp } from "./tcp.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

test("a listener tells its real port, an IPv6 one in brackets", async () => {
  const four = await listenTcp(LOOPBACK);
  const six = await listenTcp({ host: "::1", port: 0 });
  expect(four.url).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/u);
  expect(six.url).toMatch(/^tcp:\/\/\[::1\]:[1-9]\d*$/u);
  await Promise.all([four.close(), six.close()]);
});

test("peers are accepted in order, and those accepted outlive the listener", async () => {
  const listener = await listenTcp(LOOPBACK);
  const port = Number(new URL(listener.url).port);
  const first = await connectTcp({ ...LOOPBACK, port });
  const accepted = await listener.accept();
  const waiting = listener.accept();
  await listener.close();
  expect(await waiting).toBeUndefined();
  expect(await listener.accept()).toBeUndefined();
  await first.send([Uint8Array.of(7)]);
  const into = new Uint8Array(2);
  expect([await accepted!.read(into), into[0]]).toEqual([1, 7]);
  first.destroy();
  accepted!.destroy();
});

test("a peer that waits when the listener closes is destroyed", async () => {
  const listener = await listenTcp(LOOPBACK);
  const port = Number(new URL(listener.url).port);
  const [dialled, other] = [await connectTcp({ ...LOOPBACK, port }), await connectTcp({ ...LOOPBACK, port })];
  (await listener.accept())!.destroy();
  const reading = other.read(new Uint8Array(1));
  await listener.close();
  await expect(reading).rejects.toMatchObject({ code: "reset" });
  dialled.destroy();
  other.destroy();
});

test("128 peers may wait to be accepted; who comes then is hung up on, and told of", async () => {
  const refused: string[] = [];
  const listener = await listenTcp({ ...LOOPBACK, onRefused: (peer, why) => void refused.push(`${peer}: ${why}`) });
  const port = Number(new URL(listener.url).port);
  const waiting: Connection[] = [];
  for (let count = 0; count < 128; count++) waiting.push(await connectTcp({ ...LOOPBACK, port }));
  const tooMany = connectTcp({ ...LOOPBACK, port }).then(async (wire) => wire.read(new Uint8Array(1)));
  await expect(tooMany).rejects.toThrow("went away"); // it may hear so before it has heard that it is connected
  expect(refused).toEqual([
    expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+: 128 others waited already to be accepted$/u),
  ]);
  await waiting[0]!.send([Uint8Array.of(7)]);
  const accepted = await listener.accept();
  expect(await accepted!.read(new Uint8Array(2))).toBe(1);
  await listener.close();
  expect(refused).toHaveLength(1);
  for (const each of [...waiting, accepted!]) each.destroy();
});

test("an address that is taken is a listen error", async () => {
  const listener = await listenTcp(LOOPBACK);
  const port = Number(new URL(listener.url).port);
  await expect(listenTcp({ ...LOOPBACK, port })).rejects.toMatchObject({ code: "listen", url: listener.url });
  await listener.close();
});

test("dialling where nobody listens is a connect error that names the place", async () => {
  const listener = await listenTcp(LOOPBACK);
  const port = Number(new URL(listener.url).port);
  await listener.close();
  const dialling = connectTcp({ ...LOOPBACK, port });
  await expect(dialling).rejects.toMatchObject({ code: "connect", url: `tcp://127.0.0.1:${port}` });
});

test("a signal ends the attempt", async () => {
  const reason = new Error("changed my mind");
  const dialling = connectTcp({ ...LOOPBACK, port: 9, signal: AbortSignal.abort(reason) });
  await expect(dialling).rejects.toMatchObject({ code: "destroyed", cause: reason });
  const controller = new AbortController();
  const other = connectTcp({ host: "192.0.2.1", port: 9, signal: controller.signal });
  controller.abort(reason);
  await expect(other).rejects.toMatchObject({ code: "destroyed", cause: reason });
});
