import { ProtocolError } from "@blkmig/protocol";

import { Cut } from "./cut.ts";
import { messageOf, Stop } from "./stop.ts";

/** After WELCOME, whatever ends a connection is a cut. */
export const cutBy = (cause: unknown): Cut => new Cut(messageOf(cause), { cause });

/** Before WELCOME, who speaks otherwise than a session does will not do better next time; what was damaged may. */
export function strangerBy(cause: unknown): Error {
  const isStrange = cause instanceof ProtocolError && ["bad-magic", "bad-message"].includes(cause.code);
  return isStrange
    ? new Stop(
        "refused",
        `what answers there is no receiver of blkmig's, or one that knows no sessions: ${cause.message}`,
        { cause },
      )
    : cutBy(cause);
}
