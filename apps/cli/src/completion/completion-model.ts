import type { Argument, Command, Option } from "commander";

import { type CompletedValue, completedValue } from "./completed-value.ts";

export interface CompletedOption {
  /** Such as `-h` and `--help`, as they are typed. */
  readonly flags: readonly string[];
  readonly meaning: string;
  /** Undefined if it takes none. */
  readonly value: CompletedValue | undefined;
  readonly placeholder: string;
}

export interface CompletedCommand {
  readonly name: string;
  readonly meaning: string;
  readonly options: readonly CompletedOption[];
  /** By their places. */
  readonly places: readonly { readonly name: string; readonly value: CompletedValue }[];
}

const NOTHING: CompletedValue = { offer: "nothing" };

/** What there is to complete, from the very commands that run. What is in no help is not offered. */
export function completionModel(program: Command): readonly CompletedCommand[] {
  const names = visibleCommands(program).map((command) => command.name());
  return visibleCommands(program).map((command) => ({
    name: command.name(),
    meaning: command.summary(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option) => ofOption(command, option)),
    places: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      value: ofArgument(command, argument, names),
    })),
  }));
}

function visibleCommands(program: Command): readonly Command[] {
  return program.createHelp().visibleCommands(program);
}

function ofOption(command: Command, option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const placeholder = /<(.+)>/.exec(option.flags)?.[1] ?? "";
  const takesValue = option.required || option.optional;
  const known = completedValue(command.name(), option.long ?? "", placeholder) ?? NOTHING;
  return { flags, meaning: option.description, value: takesValue ? known : undefined, placeholder };
}

function ofArgument(command: Command, argument: Argument, commands: readonly string[]): CompletedValue {
  if (argument.argChoices) return { offer: "words", words: argument.argChoices };
  if (command.name() === "help") return { offer: "words", words: commands };
  return completedValue(command.name(), "", argument.name()) ?? NOTHING;
}
