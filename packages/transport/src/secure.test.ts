import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeConnection } from "@blkmig/testkit";
import { afterAll } from "vitest";

import { memoryPair } from "./memory.ts";
import { secureBoth } from "./secure-peers.test-kit.ts";
import { connectTcp, connectUnix, listenTcp, listenUnix } from "./tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-secure-"));
let count = 0;
afterAll(() => rmSync(folder, { recursive: true }));

const psk = [{ identity: "alice", key: new Uint8Array(32).fill(7) }];

// TLS allocates every chunk.
const capabilities = { bulkBytes: 256 * 1024 * 1024, growth: 256 * 1024 * 1024 };

describeConnection("secured tcp, dialler sends", async () => {
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 });
  const port = Number(new URL(listener.url).port);
  const [there, here] = await Promise.all([connectTcp({ host: "127.0.0.1", port }), listener.accept()]);
  const [a, b] = await secureBoth(there, here!, { psk });
  const cleanup = async () => {
    a.destroy();
    b.destroy();
    await listener.close();
  };
  return { a, b, cleanup, capabilities };
});

describeConnection("secured unix, listener sends", async () => {
  const path = join(folder, `${count++}.sock`);
  const listener = await listenUnix({ path });
  const [there, here] = await Promise.all([connectUnix({ path }), listener.accept()]);
  const [a, b] = await secureBoth(there, here!, { psk });
  const cleanup = async () => {
    a.destroy();
    b.destroy();
    await listener.close();
  };
  return { a: b, b: a, cleanup, capabilities: { ...capabilities, reset: false } };
});

for (const [name, options] of Object.entries({
  "a rendezvous": {},
  late: {
    latency: () => new Promise<void>((resolve) => setImmediate(resolve)),
    split: (available: number) => available / 2,
  },
})) {
  describeConnection(`secured memory, ${name}`, async () => {
    const [a, b] = await secureBoth(...memoryPair(options), { psk });
    const cleanup = () => {
      a.destroy();
      b.destroy();
      return Promise.resolve();
    };
    return { a, b, cleanup, capabilities: { ...capabilities, bulkBytes: 32 * 1024 * 1024 } };
  });
}
