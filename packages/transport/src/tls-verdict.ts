import type { Connection } from "./connection.ts";
import { TransportError } from "./transport-error.ts";

/** In TLS 1.3 a server judges our certificate after we took the handshake for done, and Node's hangs up without a word. */
export const UNHEARD = "the peer went away before it said anything: its log says whether it refused our certificate";

/** A dialler's connection with a certificate of ours: until the peer has said something, its going away may be its verdict. */
export function withVerdict(connection: Connection): Connection {
  let hasHeard = false;
  const explain = (cause: unknown): never => {
    const isReset = cause instanceof TransportError && cause.code === "reset";
    throw isReset && !hasHeard ? new TransportError("reset", connection.peer, UNHEARD, { cause }) : cause;
  };
  const hear = (bytes: number): number => {
    if (bytes === 0 && !hasHeard) throw new TransportError("cut", connection.peer, UNHEARD);
    hasHeard = true;
    return bytes;
  };
  return {
    ...connection,
    read: (into) => (hasHeard ? connection.read(into) : connection.read(into).then(hear, explain)),
    send: (data) => (hasHeard ? connection.send(data) : connection.send(data).catch(explain)),
  };
}
