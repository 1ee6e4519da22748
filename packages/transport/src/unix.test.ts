import { once } from "node:events";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeConnection } from "@blkmig/testkit";
import { afterAll, expect, test } from "vitest";

import { connectUnix, listenUnix } from "./tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-unix-"));
let count = 0;
const freshPath = () => join(folder, `${count++}.sock`);
afterAll(() => rmSync(folder, { recursive: true }));

for (const reading of ["slab", "stream"] as const) {
  describeConnection(`unix by ${reading}`, async () => {
    const path = freshPath();
    const listener = await listenUnix({ path, reading });
    const [a, accepted] = await Promise.all([connectUnix({ path, reading }), listener.accept()]);
    const cleanup = async () => {
      a.destroy();
      accepted!.destroy();
      await listener.close();
    };
    return {
      a,
      b: accepted!,
      cleanup,
      capabilities: { reset: false, growth: reading === "slab" ? 64 * 1024 * 1024 : 256 * 1024 * 1024 },
    };
  });
}

test("the socket file is removed on close", async () => {
  const path = freshPath();
  const listener = await listenUnix({ path });
  expect([listener.url, existsSync(path)]).toEqual([`unix://${path}`, true]);
  await listener.close();
  expect(existsSync(path)).toBe(false);
});

test("a path that somebody listens on is in use", async () => {
  const path = freshPath();
  const listener = await listenUnix({ path });
  await expect(listenUnix({ path })).rejects.toMatchObject({
    code: "listen",
    message: expect.stringContaining("in use"),
  });
  const alive = connectUnix({ path });
  (await alive).destroy();
  await listener.close();
});

test("what a dead listener left behind is replaced", async () => {
  const path = freshPath();
  // Node removes the file of a server that it closes; a renamed one is out of its sight, and stays behind.
  const dead = createServer().listen(`${path}.tmp`);
  await once(dead, "listening");
  renameSync(`${path}.tmp`, path);
  dead.close();
  await once(dead, "close");
  expect(existsSync(path)).toBe(true);
  const listener = await listenUnix({ path });
  const dialled = await connectUnix({ path });
  expect(dialled.peer).toBe(`unix://${path}`);
  dialled.destroy();
  await listener.close();
});

test("a file that is no socket is never removed", async () => {
  const path = freshPath();
  writeFileSync(path, "precious");
  await expect(listenUnix({ path })).rejects.toMatchObject({ code: "listen" });
  expect(existsSync(path)).toBe(true);
});

test("dialling where nobody listens is a connect error", async () => {
  await expect(connectUnix({ path: freshPath() })).rejects.toMatchObject({ code: "connect" });
});
