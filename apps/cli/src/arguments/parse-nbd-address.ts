import { formatNbdUrl, type NbdUrl, parseNbdUrl } from "@blkmig/nbd";
import { isLocal } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";

/** Whether what is said there cannot be read on the way: it stays on this machine, or is encrypted. */
export function isGuarded({ at, secure }: NbdUrl): boolean {
  return secure || at.kind === "unix" || isLocal({ kind: "tcp", host: at.host, port: at.port });
}

/** `--nbd`: where disks are served. Refuses clear text that other machines could reach, unless that was allowed. */
export function parseNbdAddress(text: string, { insecure }: { readonly insecure: boolean }): NbdUrl {
  const url = parseNbd(text, "--nbd");
  if (url.exportName !== "") {
    throw new CommandError("usage", `--nbd ${text}: an export cannot be said here: each disk is one, by its name`);
  }
  if (insecure || isGuarded(url)) return url;
  const why = "is in clear text and not only on this machine: anybody who reaches it could read and write the disk";
  throw new CommandError("refused", `--nbd ${formatNbdUrl(url)} ${why}; say nbds:, or --insecure to allow it`);
}

/** An NBD URL of an option. Throws `CommandError` `usage`. */
export function parseNbd(text: string, option: string): NbdUrl {
  try {
    return parseNbdUrl(text);
  } catch (cause) {
    throw new CommandError("usage", `${option}: ${messageOf(cause)}`, { cause });
  }
}
