import type { QmpAddress } from "@blkmig/qemu";
import { formatWireUrl, isLocal, type WireUrl } from "@blkmig/transport/url";

import { parseAddress } from "../arguments/parse-address.ts";
import { CommandError } from "../command-error.ts";

/** The socket of a QEMU's monitor. `option` is what a refusal calls it. Throws `CommandError`: `usage`, `refused` for clear text to another machine. */
export function parseMonitor(text: string, option: string, { insecure }: { readonly insecure: boolean }): QmpAddress {
  const url = parseUrl(text, option, insecure);
  if (url.kind === "unix") return { kind: "unix", path: url.path };
  if (url.kind === "tcp") return { kind: "tcp", host: url.host, port: url.port };
  throw new CommandError("usage", noMonitor(text, option));
}

/** Of a wire's address it would be said of which kinds there are, and a monitor has but two. */
function parseUrl(text: string, option: string, insecure: boolean): WireUrl {
  try {
    return parseAddress(text, { insecure });
  } catch (cause) {
    if (cause instanceof CommandError && cause.code !== "usage") throw cause;
    throw new CommandError("usage", noMonitor(text, option), { cause });
  }
}

function noMonitor(text: string, option: string): string {
  return `${option} '${text}': a monitor listens at unix:///path or tcp://host:port, for example unix:///run/vm.qmp`;
}

/** Of a QEMU whose disks are read: they come by a socket in the file system, so it is on this machine. */
export function parseMonitorHere(text: string, option: string): QmpAddress {
  const monitor = parseMonitor(text, option, { insecure: true });
  if (isLocal(monitor)) return monitor;
  const why = "its disks are read by a socket of this machine, so it must run on this one: run blkmig there";
  throw new CommandError("refused", `${option} ${formatWireUrl(monitor)}: ${why}`);
}
