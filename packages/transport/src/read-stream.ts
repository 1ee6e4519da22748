import type { Readable } from "node:stream";

import { Inbox } from "./inbox.ts";

/** While nobody reads the stream holds its high-water mark, and no more. */
export function readStream(stream: Readable): Inbox {
  const pull = () => {
    const chunk = inbox.isWaiting ? (stream.read() as Uint8Array | null) : null;
    if (chunk) inbox.arrive(chunk);
  };
  const inbox = new Inbox(pull);
  stream.on("readable", pull);
  return inbox;
}
