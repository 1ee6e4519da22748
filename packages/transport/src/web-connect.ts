import { toAbortError } from "./abort-error.ts";
import type { Connection } from "./connection.ts";
import { TransportError } from "./transport-error.ts";
import { createWebConnection, type WebLimits } from "./web-connection.ts";
import type { WebSocketShape } from "./web-socket-shape.ts";

/** Whom to dial, and what it may cost. */
export interface WebConnectOptions extends WebLimits {
  /** `ws://host:port/path` or `wss:`. */
  readonly url: string;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
}

/**
 * Dials by the global `WebSocket`: browsers, workers, Deno, Node.js 22 and later. Throws `TransportError` `connect`, without
 * the reason, which browsers keep to themselves, or `destroyed`/`timeout` when the signal ended it.
 */
export function connectWeb(options: WebConnectOptions): Promise<Connection> {
  const { url, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(toAbortError(url, signal.reason));
    const socket: WebSocketShape = new WebSocket(url);
    const giveUp = (): void => {
      reject(toAbortError(url, signal?.reason));
      socket.close();
    };
    const fail = (): void => {
      signal?.removeEventListener("abort", giveUp);
      reject(new TransportError("connect", url, "cannot connect: nobody is there, or who is there does not let us in"));
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    socket.addEventListener("close", fail);
    socket.addEventListener("open", () => {
      signal?.removeEventListener("abort", giveUp);
      // Inside the event: a moment later the first messages would be lost.
      resolve(createWebConnection(socket, url, options));
    });
  });
}
