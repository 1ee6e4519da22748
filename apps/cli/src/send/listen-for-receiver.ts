import { listenUrl, type TlsOptions, type WireUrl } from "@blkmig/transport/url";

import type { Output } from "../output/output.ts";
import { createDoorway, type Doorway } from "./doorway.ts";

/** Receivers that dial. */
export interface Callers extends Doorway {
  close(): Promise<void>;
}

export interface CallersOptions {
  readonly output: Pick<Output, "say" | "warn" | "event">;
  readonly allowOrigin: readonly string[];
  readonly tls?: TlsOptions;
}

/** A receiver opens its targets before it answers: as long as a session waits for it when it is dialled. */
const ANSWER_WITHIN_MS = 30_000;
const UNKNOWN_AT_ONCE = 64;

/** Listens until it is closed: a receiver whose connection breaks dials the same address again. */
export async function listenForReceiver(at: WireUrl, { output, allowOrigin, tls }: CallersOptions): Promise<Callers> {
  const turnedAway = (peer: string, why: string): void => output.warn(`${peer}: turned away: ${why}`, why);
  const listener = await listenUrl(at, { allowOrigin, onRefused: turnedAway, ...(tls ? { tls } : {}) });
  output.event("listening", { url: listener.url });
  output.say(`waiting for a receiver at ${listener.url}`);
  const options = { listener, within: ANSWER_WITHIN_MS, atOnce: UNKNOWN_AT_ONCE, onDrop: turnedAway };
  return { ...createDoorway(options), close: () => listener.close() };
}
