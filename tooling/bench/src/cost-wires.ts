import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { CostRooms, CostWire } from "./cost-rooms.ts";

/** New wires of one kind, both ends of each. */
export interface CostWires extends AsyncDisposable {
  pair(): Promise<readonly [CostWire, CostWire]>;
}

export async function openMemoryWires(rooms: CostRooms): Promise<CostWires> {
  return { pair: async () => rooms.memoryPair(), async [Symbol.asyncDispose]() {} };
}

export async function openUnixWires(rooms: CostRooms): Promise<CostWires> {
  const path = join(tmpdir(), `blkmig-cost-${randomUUID()}`);
  const listener = await rooms.listenUnix({ path });
  return {
    async pair() {
      const [here, there] = await Promise.all([rooms.connectUnix({ path }), listener.accept()]);
      if (!there) throw new Error(`nobody listens at ${path} any more`);
      return [here, there];
    },
    [Symbol.asyncDispose]: async () => listener.close(),
  };
}
