import type { Duplex } from "node:stream";

import type { WebSocket } from "ws";

import type { Done, Outlet } from "./outbox.ts";
import { MESSAGE_BYTES } from "./ws-limits.ts";

const NOTHING = new Uint8Array(0);

/**
 * Bytes leave as binary messages, one for each segment or `MESSAGE_BYTES` of one: where a message ends means nothing, so nothing has
 * to be joined. A WebSocket has no half-close: an empty message is the end.
 */
export function createWsOutlet(ws: WebSocket, socket: Duplex): Outlet {
  return {
    write(segments, done) {
      const messages = segments.flatMap(intoMessages);
      socket.cork();
      messages.forEach((message, i) => ws.send(message, i === messages.length - 1 ? done : ignore));
      socket.uncork();
    },
    end: (done) => ws.send(NOTHING, done),
  };
}

/** Its error is the error of the last message, too, whose callback tells it. */
const ignore: Done = () => {};

function intoMessages(segment: Uint8Array): Uint8Array[] {
  const count = Math.ceil(segment.length / MESSAGE_BYTES);
  return Array.from({ length: count }, (_, i) => segment.subarray(i * MESSAGE_BYTES, (i + 1) * MESSAGE_BYTES));
}
