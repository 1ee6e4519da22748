import { fileURLToPath } from "node:url";

import type { MeasuredRun } from "./measured-run.ts";
import type { MoveTimes, WriterFigures, WriterOrders, WriterSaying } from "./writer-words.ts";

const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));

/** A writer's process, seen from the benchmark. Each method throws, with its last words, if it has failed. */
export interface LiveWriter {
  /** Until it has seen what is usual. */
  ready(): Promise<void>;
  /** What it has measured, when everything that it wrote was answered, and was found again. */
  finish(move: MoveTimes): Promise<WriterFigures>;
}

export async function startWriter(run: MeasuredRun, orders: WriterOrders): Promise<LiveWriter> {
  const words = [WRITER, JSON.stringify(orders)];
  const writer = await run.start("neither", process.execPath, words, ["pipe", "pipe", "pipe"]);
  const { stdin } = writer.process;
  stdin!.on("error", () => {}); // one that has failed reads nothing more: its end says why

  async function said<Word extends WriterSaying["says"]>(word: Word) {
    const line = await writer.line((each) => each.startsWith(`{"says":"${word}"`));
    return JSON.parse(line) as Extract<WriterSaying, { readonly says: Word }>;
  }

  return {
    async ready() {
      await said("ready");
    },
    async finish(move) {
      stdin!.end(`${JSON.stringify(move)}\n`);
      const { figures } = await said("figures");
      await writer.succeeded();
      return figures;
    },
  };
}
