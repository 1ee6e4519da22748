import type { QmpAddress } from "@blkmig/qemu";

import { CommandError } from "../command-error.ts";
import { parseControl } from "../control/parse-control.ts";
import { parseMonitorHere } from "../qmp/parse-monitor.ts";

/** What commander makes of `blkmig status …`. */
export interface StatusFlags {
  readonly target?: string;
  readonly source?: string;
  readonly stateDir?: string;
  readonly control?: string;
  readonly qmp?: string;
  readonly clean: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
}

export type StatusOptions =
  | {
      readonly role: "target" | "source";
      readonly path: string;
      readonly stateDir: string | undefined;
      /** Clear text to another machine, for a disk behind NBD. */
      readonly insecure: boolean;
    }
  /** The socket's path. */
  | { readonly role: "control"; readonly control: string }
  | StatusOfQemuOptions;

export interface StatusOfQemuOptions {
  readonly role: "qmp";
  readonly monitor: QmpAddress;
  readonly stateDir: string | undefined;
  /** What crashed runs have left is removed. */
  readonly clean: boolean;
}

export function parseStatusOptions(flags: StatusFlags): StatusOptions {
  const { target, source, stateDir, control, qmp, clean, insecure } = flags;
  if ([target, source, control, qmp].filter((one) => one !== undefined).length > 1) {
    throw new CommandError("usage", "--target, --source, --control and --qmp: ask for one at a time");
  }
  if (clean && qmp === undefined) throw new CommandError("usage", "--clean goes with --qmp URL");
  if (qmp !== undefined) {
    if (insecure) throw new CommandError("usage", "--insecure does not go with --qmp: its QEMU is on this machine");
    return { role: "qmp", monitor: parseMonitorHere(qmp, "--qmp"), stateDir, clean };
  }
  if (control !== undefined) {
    if (stateDir !== undefined) throw new CommandError("usage", "--state-dir: the server of --control has its own");
    return { role: "control", control: parseControl(control, "--control") };
  }
  if (target !== undefined) return { role: "target", path: target, stateDir, insecure };
  if (source !== undefined) return { role: "source", path: source, stateDir, insecure };
  throw new CommandError("usage", "say which: --target PATH, --source PATH, --control CONTROL, or --qmp URL");
}
