import { describeConnection } from "@blkmig/testkit";

import { connectWs, listenWs, type WsLimits } from "./ws.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0, path: "/migrate" };

async function wsPair(options: WsLimits = {}) {
  const listener = await listenWs({ ...LOOPBACK, ...options });
  const [dialled, accepted] = await Promise.all([connectWs({ url: listener.url, ...options }), listener.accept()]);
  const cleanup = async () => {
    dialled.destroy();
    accepted!.destroy();
    await listener.close();
  };
  return { dialled, accepted: accepted!, cleanup };
}

const capabilities = { bulkBytes: 1024 * 1024 * 1024, growth: 256 * 1024 * 1024 };

describeConnection("ws, client to server", async () => {
  const { dialled, accepted, cleanup } = await wsPair();
  return { a: dialled, b: accepted, cleanup, capabilities };
});

describeConnection("ws, server to client", async () => {
  const { dialled, accepted, cleanup } = await wsPair();
  return { a: accepted, b: dialled, cleanup, capabilities };
});
