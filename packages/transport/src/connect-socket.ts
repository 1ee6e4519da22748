import { once } from "node:events";
import type { Socket } from "node:net";

import { toAbortError } from "./abort-error.ts";
import { systemWords } from "./system-words.ts";
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
    throw new TransportError("connect", url, `cannot connect: ${systemWords(error)}`, { cause: error });
  }
}
