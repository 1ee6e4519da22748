import type { WebSocket } from "ws";

import { TransportError } from "./transport-error.ts";
import type { WireState } from "./wire-state.ts";
import type { WsKeepAlive } from "./ws-limits.ts";

/** Pings, and breaks the wire after a long silence. Gives what stops it; it keeps no process alive. */
export function keepAlive(ws: WebSocket, state: WireState, options: WsKeepAlive): () => void {
  const { pingEveryMs = 30_000, deadAfterMs = 120_000 } = options;
  let silentTicks = 0;
  const isHeard = () => {
    silentTicks = 0;
  };
  ws.on("pong", isHeard);
  ws.on("ping", isHeard);
  ws.on("message", isHeard);
  const tick = () => {
    // While nobody reads here we do not listen, so silence proves nothing.
    silentTicks = ws.isPaused ? 0 : silentTicks + 1;
    if (silentTicks * pingEveryMs > deadAfterMs) {
      state.break(new TransportError("timeout", state.url, `nothing was heard for ${deadAfterMs} ms`));
    } else if (ws.readyState === ws.OPEN) {
      ws.ping();
    }
  };
  const timer = setInterval(tick, pingEveryMs).unref();
  const stop = () => clearInterval(timer);
  ws.on("close", stop);
  return stop;
}
