import type { Connection } from "./connection.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { TransportError } from "./transport-error.ts";
import { createWebOutlet } from "./web-outlet.ts";
import { OPEN, type WebSocketEvent, type WebSocketShape } from "./web-socket-shape.ts";
import { WireState } from "./wire-state.ts";

/** What a WebSocket that cannot be told to wait may cost. */
export interface WebLimits {
  /**
   * Bytes that may have come and not been read. A standard WebSocket cannot be told to wait, so more breaks the wire with
   * `limit`. Default 128 MiB: twice what a sink of blkmig's session lets a source have under way.
   */
  readonly unreadBytes?: number;
}

const UNREAD_BYTES = 128 * 1024 * 1024;

/**
 * Takes ownership of an open WebSocket, in its `open` event at the latest: what it hears before is lost. `peer` is its URL.
 * There is no back-pressure for what comes, only a limit; a send settles when 1 MiB at most waits in the browser.
 */
export function createWebConnection(socket: WebSocketShape, peer: string, limits: WebLimits = {}): Connection {
  const { unreadBytes = UNREAD_BYTES } = limits;
  const state = new WireState(peer);
  const outlet = createWebOutlet(socket, () => state.error !== undefined);
  const outbox = new Outbox(outlet, state);
  const inbox = new Inbox(() => {}); // what comes comes unasked
  let unread = 0;
  const closeWhenBothFinished = (): void => {
    if (inbox.hasEnded && outbox.hasFinished) socket.close(1000);
  };

  const take = (data: unknown): void => {
    if (state.error) return; // what comes after it is for nobody, and must not fill memory
    if (!(data instanceof ArrayBuffer)) return void state.break(broken("protocol", TEXT));
    if (inbox.hasEnded) return void state.break(broken("protocol", "the peer sent more after its end"));
    unread += data.byteLength;
    if (unread > unreadBytes)
      return void state.break(broken("limit", `more than ${unreadBytes} bytes wait to be read`));
    if (data.byteLength === 0) inbox.end();
    else inbox.arrive(new Uint8Array(data));
    closeWhenBothFinished();
  };
  const broken = (code: "limit" | "protocol" | "reset", what: string): TransportError =>
    new TransportError(code, peer, what);

  socket.binaryType = "arraybuffer"; // or every message would have to be waited for once more
  socket.addEventListener("message", ({ data }: WebSocketEvent) => take(data));
  socket.addEventListener("close", ({ code = 0 }: WebSocketEvent) => {
    // A peer that has heard our end may close before we have looked whether it left.
    const isClean = inbox.hasEnded && (outbox.hasFinished || outlet.isDry);
    if (!isClean) state.break(broken("reset", `closed in the middle (WebSocket code ${code})`));
  });
  state.onBreak((error) => {
    if (error.code === "destroyed") inbox.drop(error);
    else inbox.fail(error);
    if (socket.readyState === OPEN) socket.close();
  });
  return {
    peer,
    async read(into) {
      const read = await inbox.read(into);
      unread -= read;
      return read;
    },
    send: (data) => outbox.send(data),
    async finish() {
      await outbox.finish();
      closeWhenBothFinished();
    },
    destroy: (reason) => void state.destroy(reason),
  };
}

const TEXT = "the peer sent text: only binary messages are understood";
