import type { Readable } from "node:stream";

import { createChunkCounter } from "./chunk-garbage.ts";
import { Inbox } from "./inbox.ts";

/** While nobody reads the stream holds its high-water mark, and no more. */
export function readStream(stream: Readable): Inbox {
  const countChunk = createChunkCounter();
  const pull = () => {
    const chunk = inbox.isWaiting ? (stream.read() as Uint8Array | null) : null;
    if (!chunk) return;
    inbox.arrive(chunk);
    countChunk(chunk.length);
  };
  const inbox = new Inbox(pull);
  stream.on("readable", pull);
  // What came before the wire broke is read first: a peer's last word may be the answer that explains it.
  stream.on("error", () => {
    const rest = stream.read() as Uint8Array | null;
    if (rest) inbox.arrive(rest);
  });
  return inbox;
}
