import type { Duplex } from "node:stream";

import type { WebSocket } from "ws";

import type { Done, Outlet } from "./outbox.ts";
import { END, intoMessages } from "./ws-messages.ts";

/**
 * Bytes leave as binary messages, one for each segment or `MESSAGE_BYTES` of one.
 */
export function createWsOutlet(ws: WebSocket, socket: Duplex): Outlet {
  return {
    write(segments, done) {
      if (ws.readyState !== ws.OPEN) return done(closing());
      const messages = segments.flatMap(intoMessages);
      socket.cork();
      messages.forEach((message, i) => ws.send(message, i === messages.length - 1 ? done : ignore));
      socket.uncork();
    },
    end: (done) => (ws.readyState === ws.OPEN ? ws.send(END, done) : done(closing())),
  };
}

/** Its error is the error of the last message, too, whose callback tells it. */
const ignore: Done = () => {};

/** A peer has begun to close, as a browser's page does that lets go: `ws` would say no more than that it is not open. */
function closing(): Error {
  return Object.assign(new Error("the peer closes the WebSocket"), { code: "EPIPE" });
}
