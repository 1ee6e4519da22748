import { type Connection, listenUrl, type TlsOptions, type WireUrl } from "@blkmig/transport/url";

import { aborted } from "../interruption.ts";
import type { Output } from "../output/output.ts";

/** Receivers that dial, one after the other. */
export interface Callers {
  /** The next; undefined when the signal aborts, or when nobody came in so many milliseconds. */
  next(signal: AbortSignal, within?: number): Promise<Connection | undefined>;
  close(): Promise<void>;
}

export interface CallersOptions {
  readonly output: Pick<Output, "say" | "warn" | "event">;
  readonly allowOrigin: readonly string[];
  readonly tls?: TlsOptions;
}

/** The longest that Node's timers can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** Listens until it is closed: a receiver whose connection breaks dials the same address again. */
export async function listenForReceiver(at: WireUrl, { output, allowOrigin, tls }: CallersOptions): Promise<Callers> {
  const onRefused = (peer: string, why: string): void => output.warn(`${peer}: turned away: ${why}`);
  const listener = await listenUrl(at, { allowOrigin, onRefused, ...(tls ? { tls } : {}) });
  output.event("listening", { url: listener.url });
  output.say(`waiting for a receiver at ${listener.url}`);
  /** Kept over a wait that ended in vain: whoever dials later must not get lost. */
  let arriving: Promise<Connection | undefined> | undefined;
  return {
    async next(signal, within = LONGEST_MS) {
      arriving ??= listener.accept();
      const patience = AbortSignal.any([signal, AbortSignal.timeout(Math.min(within, LONGEST_MS))]);
      const connection = await Promise.race([arriving, aborted(patience).then(() => undefined)]);
      if (connection) arriving = undefined;
      return connection;
    },
    close: () => listener.close(),
  };
}
