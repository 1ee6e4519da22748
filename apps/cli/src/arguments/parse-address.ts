import { isLocal, parseWireUrl, type WireUrl } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";

const NOT_BUILT: ReadonlySet<WireUrl["kind"]> = new Set(["tls", "wss", "ssh"]);

/** Understands `<to>` and `<at>`. Refuses what is not built, and clear text that leaves this machine unasked. */
export function parseAddress(text: string, allowed: { readonly insecure: boolean }): WireUrl {
  const address = parse(text);
  if (NOT_BUILT.has(address.kind)) {
    throw new CommandError("usage", `${address.kind}: is not built yet; tcp, ws, unix, stdio and file are`);
  }
  if (!allowed.insecure && !isLocal(address)) throw new CommandError("refused", inClearText(text));
  return address;
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
  return address.kind === "tcp" || address.kind === "ws" || address.kind === "unix";
}

/** Whether it is standard input and output, so that nothing else may be printed there. */
export function isStdio(text: string | undefined): boolean {
  return text === "-" || text?.startsWith("stdio:") === true;
}
