import { ProtocolError } from "@blkmig/protocol";

import { Refusal } from "./refusal.ts";
import type { ConnectionEnd } from "./session-contract.ts";

/** Ends one connection of a session, and not the session. */
export class ConnectionStop extends Error {
  readonly end: ConnectionEnd;

  constructor(end: ConnectionEnd) {
    super("why" in end ? end.why : "the migration is over");
    this.end = end;
  }
}

/** It was none of this migration's, and is told so. */
export class Refused extends ConnectionStop {
  readonly code: string;

  constructor(code: string, why: string) {
    super({ how: "turned-away", code, why });
    this.code = code;
  }
}

/** The migration goes on, with another connection. */
export const cut = (why: string): ConnectionStop => new ConnectionStop({ how: "cut", why });

/** How a connection ended that ended by this error, before (or after) it was welcomed. */
export function connectionEndOf(error: unknown, welcomed: boolean): ConnectionEnd {
  if (error instanceof ConnectionStop && (welcomed || error.end.how !== "cut")) return error.end;
  const why = error instanceof Error ? error.message : String(error);
  const isOurs = error instanceof ProtocolError || error instanceof Refusal;
  if (welcomed) return { how: "cut", why: isOurs ? why : `the wire broke: ${why}` };
  return { how: "turned-away", code: error instanceof ProtocolError ? "protocol" : "wire", why };
}
