import { systemClock } from "@blkmig/device";

import { createNbdDevice } from "./client-device.ts";
import { type DialOptions, dialNbd } from "./client-dial.ts";
import { Ledger } from "./client-ledger.ts";
import { Lines } from "./client-lines.ts";
import type { NbdDevice, NbdUrl, OpenNbdOptions } from "./nbd-contract.ts";
import { NbdError } from "./nbd-error.ts";
import { FLAG } from "./nbd-numbers.ts";
import { formatNbdUrl } from "./nbd-url.ts";

const RECONNECT_MS = 60_000;
const CONNECTIONS = 4;

/** Opens a disk behind NBD. Throws `NbdError`. */
export async function openNbd(url: NbdUrl, options: OpenNbdOptions = {}): Promise<NbdDevice> {
  const { link, signal, clock = systemClock, connections = CONNECTIONS, reconnectFor = RECONNECT_MS } = options;
  const text = formatNbdUrl(url);
  if (url.secure || options.tls) throw new NbdError("option", text, "TLS is not spoken here yet");
  const dialling: DialOptions = {
    at: url.at,
    url: text,
    wishes: { exportName: url.exportName, link, secure: undefined },
    clock,
  };
  const first = await dialNbd(dialling, signal ?? new AbortController().signal);
  const ledger = new Ledger();
  const lines = new Lines(first, {
    url: text,
    dial: async (ending) => dialNbd(dialling, ending),
    ledger,
    fenced: link !== undefined,
    reconnectFor,
    clock,
    tell: (event) => options.onEvent?.(event),
  });
  const { flags } = first.offer;
  const mayShare = link === undefined && (flags & FLAG.CAN_MULTI_CONN) !== 0;
  for (let more = mayShare ? connections - 1 : 0; more > 0; more -= 1) lines.add();
  const readOnly = options.readOnly === true || (flags & FLAG.READ_ONLY) !== 0;
  return createNbdDevice({ name: options.name ?? text, url: text, readOnly, lines, ledger });
}
