import { formatNbdUrl, type NbdUrl, parseNbdUrl } from "@blkmig/nbd";
import type { WireUrl } from "@blkmig/transport/url";

import { isGuarded } from "../arguments/parse-nbd-address.ts";
import { CommandError, messageOf } from "../command-error.ts";
import type { MoveOptions } from "./live-contract.ts";

const OTHERWISE = "say --forward-to URL for another address, or --after close or --after hold to do without";

export type ForwardChoice = Pick<MoveOptions, "to" | "listen" | "forwardTo" | "insecure">;

/** The server to which clients are passed on. `announced`: where the receiver says that it will serve. Throws `CommandError` `refused`. */
export function chooseForward(announced: string | undefined, choice: ForwardChoice): NbdUrl {
  const { forwardTo, insecure } = choice;
  const url = forwardTo ? { ...forwardTo, exportName: "" } : dialled(parseAnnounced(announced), choice);
  assertForwardable(url, insecure);
  return url;
}

/** Throws `CommandError` `refused` for clear text to another machine, and for keys that nobody has named. */
export function assertForwardable(url: NbdUrl, insecure: boolean): void {
  const text = formatNbdUrl(url);
  if (!insecure && !isGuarded(url)) {
    const why = "anybody on the way could read and change the disks; serve nbds: there, or say --insecure";
    throw new CommandError("refused", `clients would be passed on to ${text} in clear text: ${why}`);
  }
  if (!url.secure || url.pskFile !== undefined || url.certificates !== undefined) return;
  const example = "--forward-to nbds://HOST:PORT?tls-certificates=FOLDER";
  throw new CommandError("refused", `${text} is served with TLS, and no keys for it are named: say ${example}`);
}

function parseAnnounced(announced: string | undefined): NbdUrl {
  if (announced === undefined) {
    const why = "the receiver does not say where it will serve the disks, so clients cannot be passed on to it";
    throw new CommandError("refused", `${why}: run it with --nbd URL, or ${OTHERWISE}`);
  }
  try {
    return { ...parseNbdUrl(announced), exportName: "" };
  } catch (cause) {
    const why = `the receiver says that it will serve the disks at ${JSON.stringify(announced)}: ${messageOf(cause)}`;
    throw new CommandError("refused", `${why}; ${OTHERWISE}`, { cause });
  }
}

/** A receiver that listens everywhere cannot know under which name we know it; we dial it by one. */
function dialled(url: NbdUrl, { to, listen }: ForwardChoice): NbdUrl {
  const { at } = url;
  if (at.kind !== "tcp" || !isWildcard(at.host)) return url;
  const host = hostOf(to, listen);
  if (host === undefined) {
    const why = `the receiver serves at ${formatNbdUrl(url)}, and by which address it is reached is not known`;
    throw new CommandError("refused", `${why}: ${OTHERWISE}`);
  }
  return { ...url, at: { ...at, host } };
}

function hostOf(to: WireUrl, listen: boolean): string | undefined {
  if (to.kind === "unix") return "localhost";
  if (listen || !("host" in to)) return undefined;
  return to.host;
}

/** However many zeroes it is written with. */
function isWildcard(host: string): boolean {
  return /^0+(\.0+){0,3}$/u.test(host) || /^[0:]*::[0:]*$/u.test(host) || /^(0+:){7}0+$/u.test(host);
}

/** For the record: `parseNbdUrl` gives it back, with the files that have its keys, and without an export. */
export function formatForward(url: NbdUrl): string {
  const text = formatNbdUrl({ ...url, exportName: "" });
  const { user, pskFile, certificates } = url;
  const named = user === undefined ? text : text.replace("://", `://${encodeURIComponent(user)}@`);
  const keys = [
    ...(pskFile === undefined ? [] : [`tls-psk-file=${encodeURIComponent(pskFile)}`]),
    ...(certificates === undefined ? [] : [`tls-certificates=${encodeURIComponent(certificates)}`]),
  ];
  if (keys.length === 0) return named;
  return `${named}${named.includes("?") ? "&" : "?"}${keys.join("&")}`;
}
