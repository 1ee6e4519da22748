import { once } from "node:events";
import type { Socket } from "node:net";

import { toAbortError } from "./abort-error.ts";
import { TransportError } from "./transport-error.ts";

/**
 * Waits until the socket that `dial` makes is connected, and paused: not a byte was read. The caller owns it then.
 * Throws `TransportError` `connect`, or what the signal's reason means.
 */
export async function connectSocket(dial: () => Socket, url: string, signal?: AbortSignal): Promise<Socket> {
  if (signal?.aborted) throw toAbortError(url, signal.reason);
  const socket = dial();
  socket.pause();
  try {
    await once(socket, "connect", signal ? { signal } : {});
    return socket;
  } catch (error) {
    socket.on("error", () => {}); // the attempt is over, and its error is told below
    socket.destroy();
    if (signal?.aborted) throw toAbortError(url, signal.reason);
    throw new TransportError("connect", url, `cannot connect: ${reasonOf(error)}`, { cause: error });
  }
}

/** `localhost` may be two addresses: then each attempt has an error of its own, and the sum has no message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
