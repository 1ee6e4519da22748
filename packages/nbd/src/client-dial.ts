import type { Clock } from "@blkmig/device";
import { type Connection, TransportError } from "@blkmig/transport";

import { type Agreed, shakeHands, type Wishes } from "./client-handshake.ts";
import { Malformed } from "./client-malformed.ts";
import { Refusal } from "./client-refusal.ts";
import { NbdError } from "./nbd-error.ts";

/** How long a server may take to welcome us; a link that is newer than another waits for that one's writes. */
const WELCOME_MS = 30_000;

export interface DialOptions {
  /** To the server; the signal ends the attempt. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  /** For messages. */
  readonly url: string;
  readonly wishes: Wishes;
  readonly clock: Clock;
}

/** Dials a server and agrees with it on one export. Throws `NbdError`; the signal ends the attempt. */
export async function dialNbd(options: DialOptions, signal: AbortSignal): Promise<Agreed> {
  const { connect, url, wishes, clock } = options;
  const attempt = new AbortController();
  const giveUp = (): void => attempt.abort(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp);
  const tooLong = new Error(`no welcome within ${WELCOME_MS / 1000} seconds`);
  const isOver = new AbortController();
  void clock.sleep(WELCOME_MS, isOver.signal).then(() => attempt.abort(tooLong));
  try {
    return await agree(connect, wishes, attempt.signal);
  } catch (error) {
    throw toNbdError(url, attempt.signal.aborted ? attempt.signal.reason : error);
  } finally {
    isOver.abort();
    signal.removeEventListener("abort", giveUp);
  }
}

async function agree(connect: DialOptions["connect"], wishes: Wishes, signal: AbortSignal): Promise<Agreed> {
  const connection = await connect(signal);
  const letGo = (): void => connection.destroy(signal.reason as Error);
  signal.addEventListener("abort", letGo);
  if (signal.aborted) letGo(); // while it was dialled
  try {
    return await shakeHands(connection, wishes);
  } catch (error) {
    connection.destroy(error as Error);
    throw error;
  } finally {
    signal.removeEventListener("abort", letGo);
  }
}

function toNbdError(url: string, error: unknown): NbdError {
  const reason = error instanceof Error ? error : new Error(String(error));
  if (reason instanceof Refusal) return new NbdError(reason.code, url, reason.message, { cause: reason.cause });
  if (reason instanceof Malformed) return new NbdError("protocol", url, reason.message, { cause: reason });
  const isWire = reason instanceof TransportError;
  return new NbdError("connect", url, isWire ? withoutUrl(reason) : reason.message, { cause: reason });
}

/** The sentence alone: our own URL stands before it. */
function withoutUrl({ message, url }: TransportError): string {
  return message.startsWith(`${url}: `) ? message.slice(url.length + 2) : message;
}
