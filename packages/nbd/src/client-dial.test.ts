import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { HandClock, settle } from "./client-hand-clock.test-kit.ts";
import { openOver } from "./client-open.ts";
import { ScriptedServer } from "./client-scripted-server.test-kit.ts";

const SIZE = 64 * 1024;
const over = { url: "nbd://scripted", exportName: "" };

/** Somebody who takes the call and says nothing. */
function silent() {
  const [near, far] = memoryPair();
  const gone = far.read(new Uint8Array(1)).catch(() => "gone");
  return { connect: async () => near, gone };
}

it("gives up on a server that says nothing, and lets it go", async () => {
  const { connect, gone } = silent();
  const clock = new HandClock();
  const opening = clock.passUntil(openOver({ ...over, connect, clock }), 1000);
  await expect(opening).rejects.toMatchObject({
    name: "NbdError",
    code: "connect",
    message: expect.stringContaining("30 seconds"),
  });
  expect(await gone).toBe("gone");
  expect(clock.now()).toBeGreaterThanOrEqual(30_000);
});

it("stops opening when it is told to, before, while and after it dials", async () => {
  for (const moment of ["before", "while"] as const) {
    const { connect, gone } = silent();
    const ending = new AbortController();
    if (moment === "before") ending.abort(new Error("enough"));
    const opening = openOver({ ...over, connect, signal: ending.signal });
    setImmediate(() => ending.abort(new Error("enough")));
    await expect(opening).rejects.toMatchObject({ name: "NbdError", code: "connect" });
    await gone;
  }
  const server = new ScriptedServer({ size: SIZE });
  const ending = new AbortController();
  const device = await openOver({ ...over, connect: server.connect, signal: ending.signal });
  ending.abort(); // it ends the opening, not the disk
  await device.read(0, new Uint8Array(512));
  await device.close();
});

it("tries anew when a reconnect finds a server that says nothing", async () => {
  const server = new ScriptedServer({ size: SIZE });
  const clock = new HandClock();
  let isMute = false;
  const connect = async () => (isMute ? silent().connect() : server.connect());
  const device = await openOver({ ...over, connect, clock, reconnectFor: Infinity });
  isMute = true;
  server.cut();
  await clock.pass(20_000);
  isMute = false;
  const read = device.read(0, new Uint8Array(512));
  await clock.pass(20_000);
  await clock.passUntil(read);
  await device.close();
  expect(server.goodbyes).toBe(1);
});

it("is closed though the server no longer reads", async () => {
  const server = new ScriptedServer({ size: SIZE });
  const clock = new HandClock();
  const connect = async () => {
    const connection = await server.connect();
    return { ...connection, finish: async () => new Promise<void>(() => {}) };
  };
  const device = await openOver({ ...over, connect, clock });
  const closing = device.close();
  await settle();
  await clock.passUntil(closing);
  await expect(device.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
});
