import { describeConnection } from "@blkmig/testkit";

import { createToken, parseToken } from "./tls.ts";
import { connectWs, listenWs } from "./ws.ts";

const tls = { token: parseToken(createToken()) };

async function wssPair() {
  const listener = await listenWs({ host: "127.0.0.1", port: 0, path: "/migrate", tls });
  const [dialled, accepted] = await Promise.all([connectWs({ url: listener.url, tls }), listener.accept()]);
  const cleanup = async () => {
    dialled.destroy();
    accepted!.destroy();
    await listener.close();
  };
  return { dialled, accepted: accepted!, cleanup };
}

const capabilities = { bulkBytes: 512 * 1024 * 1024, growth: 256 * 1024 * 1024 };

describeConnection("wss, client to server", async () => {
  const { dialled, accepted, cleanup } = await wssPair();
  return { a: dialled, b: accepted, cleanup, capabilities };
});

describeConnection("wss, server to client", async () => {
  const { dialled, accepted, cleanup } = await wssPair();
  return { a: accepted, b: dialled, cleanup, capabilities };
});
