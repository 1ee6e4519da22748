import { type Command, Option } from "commander";

import { CommandError } from "../command-error.ts";

export interface StateDirFlags {
  readonly stateDir?: string;
}

/** Where records are kept that have no place beside their disk, or all of them if a folder was said. */
export interface StateDirOption {
  /** Undefined: beside files, and otherwise in the usual state directory. */
  readonly stateDir?: string;
}

export function addStateDirOption(command: Command): void {
  const what = "where records are, instead of beside files or in the usual state directory";
  command.addOption(new Option("--state-dir <folder>", what));
}

/** What `placeOfRecord` of `@blkmig/journal` is told. */
export function parseStateDir({ stateDir }: StateDirFlags): StateDirOption {
  if (stateDir === undefined) return {};
  if (stateDir === "") throw new CommandError("usage", "--state-dir: the folder has no name");
  return { stateDir };
}
