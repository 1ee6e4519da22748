import { describeConnection } from "@blkmig/testkit";

import { memoryPair, type MemoryPairOptions } from "./memory.ts";

const wires: Record<string, MemoryPairOptions> = {
  rendezvous: {},
  "holding 1 MiB": { capacity: 1024 * 1024 },
  "one byte a read": { split: () => 1 },
  "half of what is there": { split: (available) => available / 2 },
  late: { latency: () => new Promise((resolve) => setImmediate(resolve)) },
};

// One byte at a time takes long, and a wire that copies makes garbage, which is not its growth.
const bulkBytes: Record<string, number> = { "one byte a read": 1024 * 1024, "holding 1 MiB": 32 * 1024 * 1024 };

for (const [name, options] of Object.entries(wires)) {
  describeConnection(`memory, ${name}`, () => {
    const [a, b] = memoryPair(options);
    const cleanup = () => {
      a.destroy();
      return Promise.resolve();
    };
    return Promise.resolve({ a, b, cleanup, capabilities: { bulkBytes: bulkBytes[name] ?? 2 ** 30 } });
  });
}
