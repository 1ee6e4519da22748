import { formatNbdUrl, type NbdUrl, parseNbdUrl } from "@blkmig/nbd";

import { isGuarded } from "../arguments/parse-nbd-address.ts";
import { CommandError, messageOf } from "../command-error.ts";

/** Understands the URL of a disk behind NBD. Throws `CommandError` `usage`. */
export function parseNbdDisk(text: string): NbdUrl {
  try {
    return parseNbdUrl(text);
  } catch (cause) {
    throw new CommandError("usage", messageOf(cause), { cause });
  }
}

/** A disk's bytes do not leave this machine in clear text unasked. Throws `CommandError` `refused`. */
export function assertGuarded(url: NbdUrl, insecure: boolean): void {
  if (insecure || isGuarded(url)) return;
  const why = "anybody on the way could read and change the disk; nbds: is encrypted, or say --insecure to allow it";
  throw new CommandError("refused", `${formatNbdUrl(url)} is in clear text and not only on this machine: ${why}`);
}
