import type { Command } from "commander";

import { bashCompletion } from "./bash-completion.ts";
import { type CompletedCommand, completionModel } from "./completion-model.ts";
import { fishCompletion } from "./fish-completion.ts";
import { zshCompletion } from "./zsh-completion.ts";

const SCRIPTS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The script by which a shell completes what is typed after `blkmig`. */
export function completionScript(program: Command, shell: string): string {
  return SCRIPTS[shell]!(completionModel(program));
}
