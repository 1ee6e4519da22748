import type { Done, Outlet } from "./outbox.ts";
import type { WebSocketShape } from "./web-socket-shape.ts";
import { END, intoMessages } from "./ws-messages.ts";

/** A send settles when no more than this waits in the browser: to wait for nothing would cost a timer for every send. */
const MAY_WAIT_BYTES = 1024 * 1024;
/** Nothing tells when `bufferedAmount` falls, so it is looked at. */
const LOOK_EVERY_MS = 4;

export interface WebOutlet extends Outlet {
  /** The end was sent, and nothing is left here of what stood before it. */
  readonly isDry: boolean;
}

/** Bytes leave as binary messages, copied when they are taken: what is waited for is only that few are under way. */
export function createWebOutlet(socket: WebSocketShape, isBroken: () => boolean): WebOutlet {
  let hasEnded = false;

  const whenFewWait = (most: number, done: Done): void => {
    if (isBroken()) return; // who waits has been told; what was not sent stays in `bufferedAmount` for ever
    if (socket.bufferedAmount <= most) return done();
    setTimeout(whenFewWait, LOOK_EVERY_MS, most, done);
  };

  return {
    get isDry() {
      return hasEnded && socket.bufferedAmount === 0;
    },
    write(segments, done) {
      for (const message of segments.flatMap(intoMessages)) socket.send(message as Uint8Array<ArrayBuffer>);
      whenFewWait(MAY_WAIT_BYTES, done);
    },
    end(done) {
      socket.send(END);
      hasEnded = true;
      whenFewWait(0, done);
    },
  };
}
