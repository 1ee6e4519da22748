import { setTimeout as wait } from "node:timers/promises";

import { formatNbdUrl, type NbdClientEvent, type NbdDevice, type NbdUrl, openNbd } from "@blkmig/nbd";

import { CommandError } from "../command-error.ts";
import { type Wanted, whyUnfit } from "./why-unfit.ts";

/** A server that takes a connection and says nothing keeps nobody waiting longer. */
const OPEN_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 50;

/** The only link to one disk at its new owner. Lost, it is looked for again, for ever: its requests wait. */
export interface ForwardLink {
  readonly device: NbdDevice;
  readonly name: string;
  /** Why no request will succeed any more; undefined while they may. */
  readonly failed: string | undefined;
  /** Whether it is being looked for. */
  readonly isDown: boolean;
  /** Told when it fails, at once if it has. */
  onFailed(tell: (why: string) => void): void;
  /** Settles when it is up. Throws when that takes too long, or it failed. */
  up(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ForwardLinkOptions {
  /** Of the server; its export name is not used. */
  readonly server: NbdUrl;
  /** Of the disk, in the migration: the export there. */
  readonly name: string;
  readonly wanted: Wanted;
  readonly signal: AbortSignal;
  readonly say: (message: string) => void;
  readonly warn: (message: string) => void;
}

/** Throws `NbdError`, and `CommandError` `refused` for a disk that cannot take its place. */
export async function openForwardLink(options: ForwardLinkOptions): Promise<ForwardLink> {
  const { server, name, wanted, signal, say, warn } = options;
  const url = { ...server, exportName: name };
  const text = formatNbdUrl(url);
  let failed: string | undefined;
  let isDown = false;
  let tellFailed: ((why: string) => void) | undefined;

  const onEvent = (event: NbdClientEvent): void => {
    if (event.type === "failed") {
      failed = event.error.message;
      tellFailed?.(failed);
      return;
    }
    const wasDown = isDown;
    isDown = event.waitMs !== undefined;
    if (isDown && !wasDown) warn(`disk '${name}': the link to ${text} broke (${event.why}): requests wait for it`);
    if (!isDown && wasDown) say(`disk '${name}': linked to ${text} again`);
  };

  const device = await openNbd(url, {
    name,
    link: `${wanted.migration}:${name}`,
    reconnectFor: Infinity,
    readOnly: wanted.readOnly,
    signal: AbortSignal.any([signal, AbortSignal.timeout(OPEN_WITHIN_MS)]),
    onEvent,
  });
  const why = whyUnfit(device, wanted);
  if (why !== undefined) {
    await device.close();
    throw new CommandError("refused", `clients of disk '${name}' cannot be passed on to ${text}: ${why}`);
  }

  return {
    device,
    name,
    get failed() {
      return failed;
    },
    get isDown() {
      return isDown;
    },
    onFailed(tell) {
      tellFailed = tell;
      if (failed !== undefined) tell(failed);
    },
    async up(within) {
      for (let waited = 0; isDown || failed !== undefined; waited += LOOK_EVERY_MS) {
        if (failed !== undefined) throw new CommandError("refused", failed);
        if (waited > OPEN_WITHIN_MS)
          throw new CommandError(
            "refused",
            `disk '${name}': the link to ${text} broke, and none came about within ${OPEN_WITHIN_MS / 1000} s`,
          );
        await wait(LOOK_EVERY_MS, undefined, { signal: within });
      }
    },
    close: () => device.close(),
  };
}
