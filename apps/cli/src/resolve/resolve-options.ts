import { CommandError } from "../command-error.ts";

/** What commander makes of `blkmig resolve …`. */
export interface ResolveFlags {
  readonly target?: string;
  readonly source?: string;
  readonly qmp?: string;
  readonly commit?: string;
  readonly abort?: string;
  readonly keep?: string;
  readonly gone?: string;
  readonly stateDir?: string;
  readonly insecure: boolean;
  readonly json: boolean;
}

/** Which disk, which migration, and how it shall have ended. */
export type ResolveOptions = {
  readonly path: string;
  readonly migration: string;
  readonly stateDir: string | undefined;
  /** Clear text to another machine, for a disk behind NBD. */
  readonly insecure: boolean;
} & (
  | { readonly role: "target"; readonly state: "committed" | "aborted" }
  | { readonly role: "source"; readonly state: "kept" | "moved" }
  /** `path` is the URL of a monitor. */
  | { readonly role: "qmp"; readonly state: "kept" | "moved" }
);

const USAGE =
  "say --target PATH with --commit ID or --abort ID, or --source PATH or --qmp URL with --keep ID or --gone ID, once";

export function parseResolveOptions(flags: ResolveFlags): ResolveOptions {
  const { target, source, qmp, commit, abort, keep, gone, stateDir, insecure } = flags;
  const disks = [target, source, qmp].filter((path) => path !== undefined);
  const verdicts = [commit, abort, keep, gone].filter((id) => id !== undefined);
  const [[path], [migration]] = [disks, verdicts];
  if (path === undefined || migration === undefined || disks.length > 1 || verdicts.length > 1) {
    throw new CommandError("usage", USAGE);
  }
  const isTargets = commit !== undefined || abort !== undefined;
  if (isTargets !== (target !== undefined)) throw new CommandError("usage", USAGE);
  const common = { path, migration, stateDir, insecure };
  if (isTargets) return { ...common, role: "target", state: commit === undefined ? "aborted" : "committed" };
  return { ...common, role: qmp === undefined ? "source" : "qmp", state: keep === undefined ? "moved" : "kept" };
}
