import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { messageOf } from "../command-error.ts";

/** Tells systemd how a service is; does nothing where nobody wants to know. */
export interface Systemd {
  /** Variables such as `READY=1`. They are told in order; nobody waits for it. */
  tell(...variables: readonly string[]): void;
  /** Settles when all is told. */
  told(): Promise<void>;
}

const WITHIN_MS = 10_000;

/**
 * By the program `systemd-notify`, since Node has no datagrams on unix sockets: the unit needs `NotifyAccess=all`. `socket` is
 * `$NOTIFY_SOCKET`. The first failure is warned of, and is no end of anything.
 */
export function createSystemd(socket: string | undefined, warn: (message: string) => void): Systemd {
  const run = promisify(execFile);
  let telling = Promise.resolve();
  let hasWarned = false;
  const notify = async (variables: readonly string[]): Promise<void> => {
    try {
      await run("systemd-notify", [...variables], { timeout: WITHIN_MS });
    } catch (error) {
      if (!hasWarned) warn(`systemd was not told ${variables[0]}: ${messageOf(error).trim()}`);
      hasWarned = true;
    }
  };
  return {
    tell(...variables) {
      if (socket !== undefined && socket !== "") telling = telling.then(async () => notify(variables));
    },
    told: async () => telling,
  };
}
