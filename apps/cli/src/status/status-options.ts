import { CommandError } from "../command-error.ts";
import { parseControl } from "../control/parse-control.ts";

/** What commander makes of `blkmig status …`. */
export interface StatusFlags {
  readonly target?: string;
  readonly source?: string;
  readonly stateDir?: string;
  readonly control?: string;
  readonly qmp?: string | true;
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
  | { readonly role: "control"; readonly control: string };

export function parseStatusOptions({ target, source, stateDir, control, qmp, insecure }: StatusFlags): StatusOptions {
  if (qmp !== undefined) throw new CommandError("usage", "--qmp of `blkmig status` is not built yet");
  if ([target, source, control].filter((one) => one !== undefined).length > 1) {
    throw new CommandError("usage", "--target, --source and --control: ask for one at a time");
  }
  if (control !== undefined) {
    if (stateDir !== undefined) throw new CommandError("usage", "--state-dir: the server of --control has its own");
    return { role: "control", control: parseControl(control, "--control") };
  }
  if (target !== undefined) return { role: "target", path: target, stateDir, insecure };
  if (source !== undefined) return { role: "source", path: source, stateDir, insecure };
  throw new CommandError("usage", "say which: --target PATH, --source PATH, or --control CONTROL");
}
