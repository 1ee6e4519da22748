import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Connection } from "@blkmig/transport";
import { memoryPair } from "@blkmig/transport/memory";
import { connectUnix, listenUnix } from "@blkmig/transport/tcp";

/** New wires of one kind, both ends of each. */
export interface CostWires extends AsyncDisposable {
  pair(): Promise<readonly [Connection, Connection]>;
}

export async function openMemoryWires(): Promise<CostWires> {
  return { pair: async () => memoryPair(), async [Symbol.asyncDispose]() {} };
}

export async function openUnixWires(): Promise<CostWires> {
  const path = join(tmpdir(), `blkmig-cost-${randomUUID()}`);
  const listener = await listenUnix({ path });
  return {
    async pair() {
      const [here, there] = await Promise.all([connectUnix({ path }), listener.accept()]);
      if (!there) throw new Error(`nobody listens at ${path} any more`);
      return [here, there];
    },
    [Symbol.asyncDispose]: async () => listener.close(),
  };
}
