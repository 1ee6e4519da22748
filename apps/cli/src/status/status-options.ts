import { CommandError } from "../command-error.ts";

/** What commander makes of `blkmig status …`. */
export interface StatusFlags {
  readonly target?: string;
  readonly source?: string;
  readonly stateDir?: string;
  readonly control?: string | true;
  readonly qmp?: string | true;
  readonly json: boolean;
}

export interface StatusOptions {
  readonly role: "target" | "source";
  readonly path: string;
  readonly stateDir: string | undefined;
}

export function parseStatusOptions({ target, source, stateDir, control, qmp }: StatusFlags): StatusOptions {
  if (control !== undefined) throw new CommandError("usage", "--control of `blkmig status` is not built yet");
  if (qmp !== undefined) throw new CommandError("usage", "--qmp of `blkmig status` is not built yet");
  if (target !== undefined && source !== undefined) {
    throw new CommandError("usage", "--target and --source: ask for one at a time");
  }
  if (target !== undefined) return { role: "target", path: target, stateDir };
  if (source !== undefined) return { role: "source", path: source, stateDir };
  throw new CommandError("usage", "say which disk: --target PATH, or --source PATH");
}
