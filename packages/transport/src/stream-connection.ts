import type { Readable, Writable } from "node:stream";

import type { Connection } from "./connection.ts";
import type { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { createStreamOutlet } from "./stream-outlet.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, WireState } from "./wire-state.ts";

/**
 * Two Node streams as one connection; takes ownership of both. The bytes of `input` go to `inbox`. A pipe has no reset: its end
 * and its break look alike.
 */
export function createStreamConnection(input: Readable, inbox: Inbox, output: Writable, peer: string): Connection {
  const state = new WireState(peer);
  const outbox = new Outbox(createStreamOutlet(output), state);
  const broken = () => new TransportError("reset", peer, "closed in the middle");
  input.on("end", () => inbox.end());
  input.on("error", (error) => void state.break(toTransportError(peer, error)));
  input.on("close", () => {
    if (!inbox.hasEnded) state.break(broken());
  });
  if ((input as unknown) !== output) {
    output.on("error", (error) => void state.break(toTransportError(peer, error)));
    output.on("close", () => {
      if (!output.writableFinished) state.break(broken());
    });
  }
  state.onBreak((error) => {
    if (error.code === "destroyed") inbox.drop(error);
    else inbox.fail(error);
    input.destroy();
    output.destroy();
  });
  return {
    peer,
    read: (into) => inbox.read(into),
    send: (data) => outbox.send(data),
    finish: () => outbox.finish(),
    destroy: (reason) => void state.destroy(reason),
  };
}
