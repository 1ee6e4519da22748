import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";

/** Bytes that a process has at a moment. */
export interface ProbedMemory {
  /** What it still needs: its heap and its buffers, after the collector. */
  readonly held: number;
  readonly resident: number;
}

/** Lets a process be asked at any time what memory it has. `path` is in a folder of the test's; `env` goes to the process. */
export function probeMemory(path: string): {
  readonly env: Readonly<Record<string, string>>;
  ask(): Promise<ProbedMemory>;
} {
  writeFileSync(
    `${path}.mjs`,
    `import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
createServer((socket) => {
  collect();
  collect(); // buffers go a round after what held them
  const { heapUsed, external, rss } = process.memoryUsage();
  socket.end(JSON.stringify({ held: heapUsed + external, resident: rss }));
}).listen(${JSON.stringify(path)}).unref();`,
  );
  return {
    env: { NODE_OPTIONS: `--import=file://${path}.mjs` },
    async ask() {
      const socket = createConnection(path);
      let text = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      await once(socket, "close");
      return JSON.parse(text) as ProbedMemory;
    },
  };
}
