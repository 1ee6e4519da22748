import type { Socket } from "node:net";

import type { Connection } from "./connection.ts";
import type { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { createStreamOutlet } from "./stream-outlet.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, WireState } from "./wire-state.ts";

/** How a socket is let go of when not everything was sent. */
export type Abort = (socket: Socket) => void;

/** Joins a socket and the inbox that its bytes go to into a connection; takes ownership of the socket. */
export function createSocketConnection(socket: Socket, inbox: Inbox, peer: string, abort: Abort): Connection {
  const state = new WireState(peer);
  const outbox = new Outbox(createStreamOutlet(socket), state);
  socket.on("end", () => inbox.end());
  socket.on("error", (error) => state.break(toTransportError(peer, error)));
  socket.on("close", () => {
    const isClean = inbox.hasEnded && outbox.hasFinished;
    if (!isClean) state.break(new TransportError("reset", peer, "the peer went away in the middle"));
  });
  state.onBreak((error) => {
    if (error.code === "destroyed") inbox.drop(error);
    else inbox.fail(error);
    if (hasSentAll(socket)) socket.destroy();
    else abort(socket);
  });
  return {
    peer,
    read: (into) => inbox.read(into),
    send: (data) => outbox.send(data),
    finish: () => outbox.finish(),
    destroy: (reason) => void state.destroy(reason),
  };
}

/** The system has all bytes and the end, too: a plain close delivers them, where a reset would take them back. */
function hasSentAll(socket: Socket): boolean {
  return socket.writableEnded && socket.writableLength === 0;
}
