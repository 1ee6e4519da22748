import type { Target } from "./target.ts";
import { classic } from "./targets/classic.ts";
import { control } from "./targets/control.ts";
import { envelope } from "./targets/envelope.ts";
import { inspect } from "./targets/inspect.ts";
import { journal } from "./targets/journal.ts";
import { nbdClientHandshake } from "./targets/nbd-client-handshake.ts";
import { nbdClientReplies } from "./targets/nbd-client-replies.ts";
import { nbdServerHandshake } from "./targets/nbd-server-handshake.ts";
import { nbdServerRequests } from "./targets/nbd-server-requests.ts";
import { qmp } from "./targets/qmp.ts";
import { ramPages } from "./targets/ram-pages.ts";
import { recognise } from "./targets/recognise.ts";
import { returnPath } from "./targets/return-path.ts";
import { sessionFrames } from "./targets/session-frames.ts";
import { sessionMessages } from "./targets/session-messages.ts";
import { nbdUrl, token, wireUrl } from "./targets/urls.ts";

/** Everything of ours that reads what others wrote. */
export const TARGETS: readonly Target[] = [
  classic,
  envelope,
  ramPages,
  sessionFrames,
  sessionMessages,
  returnPath,
  recognise,
  nbdServerHandshake,
  nbdServerRequests,
  nbdClientHandshake,
  nbdClientReplies,
  control,
  qmp,
  journal,
  nbdUrl,
  wireUrl,
  token,
  inspect,
];

/** The target of this name. Throws `RangeError`. */
export function targetOf(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found) return found;
  throw new RangeError(`there is no decoder '${name}': there are ${TARGETS.map((target) => target.name).join(", ")}`);
}
