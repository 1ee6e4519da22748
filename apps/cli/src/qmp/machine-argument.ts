import { isIP } from "node:net";

import type { QmpAddress } from "@blkmig/qemu";
import { isLocal } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";
import type { QmpFlags } from "../send/qmp-flags.ts";
import { parseMonitor } from "./parse-monitor.ts";

/** Where a machine goes: what its QEMU's `migrate` is told, and the monitor of the QEMU that waits there. */
export interface MachineArgument {
  readonly uri: string;
  readonly monitor: QmpAddress;
}

/** `--migrate-to URI --to-qmp URL`. Throws `CommandError`: `usage`, and `refused` for memory in clear text to another machine. */
export function parseMachineTo(
  { migrateTo: uri, toQmp }: QmpFlags,
  after: string | undefined,
  { insecure }: { readonly insecure: boolean },
): MachineArgument | undefined {
  if (uri === undefined && toQmp === undefined) return undefined;
  if (uri === undefined) throw new CommandError("usage", "--to-qmp goes with --migrate-to URI: where the machine goes");
  if (toQmp === undefined) {
    throw new CommandError(
      "usage",
      "--migrate-to goes with --to-qmp URL: the monitor there, at which the guest is let run",
    );
  }
  if (after !== undefined) {
    throw new CommandError("usage", "--after does not go with --migrate-to: the guest goes on there, and nowhere else");
  }
  assertMemoryGuarded(uri, insecure);
  return { uri, monitor: parseMonitor(toQmp, "--to-qmp", { insecure }) };
}

function assertMemoryGuarded(uri: string, insecure: boolean): void {
  const [, kind, rest] = /^(tcp|unix|vsock):(.+)$/u.exec(uri) ?? [];
  if (kind === undefined || rest === undefined) {
    const why = "QEMU must be able to answer: it is tcp:HOST:PORT, unix:/PATH or vsock:CID:PORT";
    throw new CommandError("usage", `--migrate-to '${uri}': ${why}`);
  }
  if (kind !== "tcp" || insecure || isLocal({ kind: "tcp", host: hostOf(rest), port: 1 })) return;
  const why =
    "the guest's memory would leave this machine in clear text: say --insecure to allow it, or lead it through a tunnel";
  throw new CommandError("refused", `--migrate-to ${uri}: ${why}`);
}

/** `host:port[,to=…]`, an IPv6 address in brackets. */
function hostOf(rest: string): string {
  const host = /^\[([^\]]*)\]|^([^:,]*)/u.exec(rest);
  const name = host?.[1] ?? host?.[2] ?? "";
  return isIP(name) === 0 && name === "" ? "0.0.0.0" : name;
}
