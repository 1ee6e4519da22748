import type { Duplex } from "node:stream";

import type { WebSocket } from "ws";

import { createChunkCounter } from "./chunk-garbage.ts";
import type { Connection } from "./connection.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { TransportError } from "./transport-error.ts";
import { toTransportError, WireState } from "./wire-state.ts";
import { keepAlive } from "./ws-keep-alive.ts";
import type { WsKeepAlive } from "./ws-limits.ts";
import { createWsOutlet } from "./ws-outlet.ts";

/** Takes ownership of an open WebSocket and the socket below it. */
export function createWsConnection(ws: WebSocket, socket: Duplex, peer: string, options: WsKeepAlive): Connection {
  const state = new WireState(peer);
  const outbox = new Outbox(createWsOutlet(ws, socket), state);
  const inbox = new Inbox(() => ws.resume());
  const countChunk = createChunkCounter();
  const closeWhenBothFinished = () => {
    if (inbox.hasEnded && outbox.hasFinished) ws.close(1000);
  };

  ws.binaryType = "fragments"; // or every message would be copied into one buffer before it is copied to the reader
  ws.pause(); // until somebody reads
  ws.on("message", (data, isBinary) => {
    const refusal = refuseMessage(peer, isBinary, inbox.hasEnded);
    if (refusal) return void state.break(refusal);
    const fragments = data as Uint8Array[];
    for (const fragment of fragments) {
      inbox.arrive(fragment);
      countChunk(fragment.length);
    }
    if (fragments.length === 0) inbox.end();
    if (!inbox.isEmpty && !inbox.hasEnded) ws.pause();
    if (inbox.hasEnded) ws.resume(); // only the closing handshake can follow, and it must be seen
    closeWhenBothFinished();
  });
  ws.on("error", (error) => void state.break(toWsError(peer, error)));
  ws.on("close", (code) => {
    const isClean = inbox.hasEnded && outbox.hasFinished;
    if (!isClean) state.break(new TransportError("reset", peer, `closed in the middle (WebSocket code ${code})`));
  });
  const stopPinging = keepAlive(ws, state, options);
  state.onBreak((error) => {
    stopPinging();
    if (error.code === "destroyed") inbox.drop(error);
    else inbox.fail(error);
    letGo(ws, error);
  });
  return {
    peer,
    read: (into) => inbox.read(into),
    send: (data) => outbox.send(data),
    async finish() {
      await outbox.finish();
      closeWhenBothFinished();
    },
    destroy: (reason) => void state.destroy(reason),
  };
}

function refuseMessage(peer: string, isBinary: boolean, hasEnded: boolean): TransportError | undefined {
  if (!isBinary) return new TransportError("protocol", peer, "the peer sent text: only binary messages are understood");
  if (hasEnded) return new TransportError("protocol", peer, "the peer sent more after its end");
  return undefined;
}

/** A peer that broke the rules is told so (1002); otherwise there is nobody to tell. */
function letGo(ws: WebSocket, error: TransportError): void {
  if (error.code === "protocol" && ws.readyState === ws.OPEN) ws.close(1002);
  else if (error.code !== "limit" && error.code !== "protocol") ws.terminate();
}

function toWsError(url: string, error: Error): TransportError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return new TransportError("limit", url, "the peer sent a longer message than maxPayload allows", { cause: error });
  }
  if (code.startsWith("WS_ERR_")) return new TransportError("protocol", url, error.message, { cause: error });
  return toTransportError(url, error);
}
