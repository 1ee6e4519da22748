import { isLocal, parseWireUrl, type WireUrl } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";

const ENCRYPTED: ReadonlySet<WireUrl["kind"]> = new Set(["tls", "wss", "ssh"]);
const SOCKETS: ReadonlySet<WireUrl["kind"]> = new Set(["tcp", "tls", "ws", "wss", "unix"]);

export interface AllowedAddresses {
  /** Clear text to another machine. */
  readonly insecure: boolean;
  /** `ssh:`; default false. */
  readonly ssh?: boolean;
}

/** Understands `<to>` and `<at>`. Refuses clear text that leaves this machine unasked. */
export function parseAddress(text: string, { insecure, ssh = false }: AllowedAddresses): WireUrl {
  const address = parse(text);
  if (address.kind === "ssh" && !ssh) {
    throw new CommandError("usage", `${text}: ssh is for sending only: nobody can wait there`);
  }
  if (insecure || ENCRYPTED.has(address.kind) || isLocal(address)) return address;
  throw new CommandError("refused", inClearText(text));
}

function parse(text: string): WireUrl {
  try {
    return parseWireUrl(text);
  } catch (cause) {
    throw new CommandError("usage", messageOf(cause), { cause });
  }
}

function inClearText(text: string): string {
  return `${text} is in clear text and not only on this machine: anybody on the way could read and change the disk; say --insecure to allow it`;
}

/** Whether peers dial it and are dialled there, so that it can be turned around. */
export function isSocket(address: WireUrl): boolean {
  return SOCKETS.has(address.kind);
}

/** Whether it is standard input and output, so that nothing else may be printed there. */
export function isStdio(text: string | undefined): boolean {
  return text === "-" || text?.startsWith("stdio:") === true;
}
