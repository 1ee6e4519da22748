import { describeConnection } from "@blkmig/testkit";

import type { SocketReading } from "./tcp.ts";
import { connectTcp, listenTcp } from "./tcp.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

async function tcpPair(reading: SocketReading) {
  const listener = await listenTcp({ ...LOOPBACK, reading });
  const port = Number(new URL(listener.url).port);
  const [dialled, accepted] = await Promise.all([connectTcp({ ...LOOPBACK, port, reading }), listener.accept()]);
  const cleanup = async () => {
    dialled.destroy();
    accepted!.destroy();
    await listener.close();
  };
  return { dialled, accepted: accepted!, cleanup };
}

// A stream allocates every chunk.
const growth = { slab: 64 * 1024 * 1024, stream: 256 * 1024 * 1024 };

for (const reading of ["slab", "stream"] as const) {
  describeConnection(`tcp by ${reading}, dialler sends`, async () => {
    const { dialled, accepted, cleanup } = await tcpPair(reading);
    return { a: dialled, b: accepted, cleanup, capabilities: { growth: growth[reading] } };
  });
  describeConnection(`tcp by ${reading}, listener sends`, async () => {
    const { dialled, accepted, cleanup } = await tcpPair(reading);
    return { a: accepted, b: dialled, cleanup, capabilities: { growth: growth[reading] } };
  });
}
