import { type Clock, systemClock } from "@blkmig/device";
import type { Connection } from "@blkmig/transport";

import { createNbdDevice } from "./client-device.ts";
import { type DialOptions, dialNbd } from "./client-dial.ts";
import type { Agreed } from "./client-handshake.ts";
import { Ledger } from "./client-ledger.ts";
import { Lines } from "./client-lines.ts";
import type { NbdClientEvent, NbdDevice } from "./nbd-contract.ts";
import { NbdError } from "./nbd-error.ts";
import { FLAG } from "./nbd-numbers.ts";

const RECONNECT_MS = 60_000;
const CONNECTIONS = 4;

/** How `openNbd` opens a disk, whatever the wire is. */
export interface OpenOverOptions {
  /** For messages, without secrets. */
  readonly url: string;
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  /** Makes a connection secure, once the server is ready for that. */
  readonly secure?: ((connection: Connection) => Promise<Connection>) | undefined;
  readonly exportName: string;
  readonly name?: string;
  readonly readOnly?: boolean;
  readonly connections?: number;
  readonly signal?: AbortSignal;
  readonly reconnectFor?: number;
  readonly answerWithin?: number;
  readonly link?: string;
  readonly dirtyBitmap?: string;
  readonly clock?: Clock;
  readonly onEvent?: (event: NbdClientEvent) => void;
}

/** Opens a disk behind NBD over connections of any kind. Throws `NbdError`. */
export async function openOver(options: OpenOverOptions): Promise<NbdDevice> {
  const { url, connect, secure, exportName, link, dirtyBitmap } = options;
  const { clock = systemClock, connections = CONNECTIONS } = options;
  const dialling: DialOptions = { connect, url, wishes: { exportName, link, dirtyBitmap, secure }, clock };
  const first = await dialNbd(dialling, options.signal ?? new AbortController().signal);
  if (dirtyBitmap !== undefined && first.offer.dirty === undefined) throw lacksBitmap(first, url, dirtyBitmap);
  const ledger = new Ledger();
  const lines = new Lines(first, {
    url,
    dial: async (ending) => dialNbd(dialling, ending),
    ledger,
    fenced: link !== undefined,
    reconnectFor: options.reconnectFor ?? RECONNECT_MS,
    answerWithin: options.answerWithin ?? Infinity,
    clock,
    tell: (event) => options.onEvent?.(event),
  });
  const { flags } = first.offer;
  const mayShare = link === undefined && (flags & FLAG.CAN_MULTI_CONN) !== 0;
  for (let more = mayShare ? connections - 1 : 0; more > 0; more -= 1) lines.add();
  const readOnly = options.readOnly === true || (flags & FLAG.READ_ONLY) !== 0;
  return createNbdDevice({ name: options.name ?? url, url, readOnly, lines, ledger });
}

/** Only of the first connection: to later ones it is a difference, and the disk is `changed`. */
function lacksBitmap({ connection }: Agreed, url: string, bitmap: string): NbdError {
  const error = new NbdError("option", url, `the server does not show a dirty bitmap '${bitmap}' of this export`);
  connection.destroy(error);
  return error;
}
