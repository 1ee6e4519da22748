import type { Command, Option } from "commander";

import type { DocumentedCommand } from "../help/documented-command.ts";
import type { Block } from "../help/prose.ts";
import { bold, escaped, textLine } from "./roff.ts";

export interface ManualPage {
  /** Such as `blkmig-send`, of section 1. */
  readonly name: string;
  readonly source: string;
}

/** A page for the program, and one for each of its commands that are in its help. `date`: may be empty. */
export function manualPages(program: DocumentedCommand, date: string): readonly ManualPage[] {
  const version = program.version() ?? "";
  const commands = program.commands.filter((command) => command.summary() !== "");
  const names = ["blkmig", ...commands.map((command) => `blkmig-${command.name()}`)];
  return [program, ...commands].map((command, index) => {
    const name = names[index]!;
    const [said, exits] = cutAtExit(command.prose());
    const lines = [
      `.TH ${name.toUpperCase().replaceAll("-", String.raw`\-`)} 1 "${date}" "blkmig ${version}" "blkmig"`,
      ".SH NAME",
      `${escaped(name)} \\- ${escaped(command.summary() || "move disks while they are being written")}`,
      ".SH SYNOPSIS",
      synopsis(command),
      ".SH DESCRIPTION",
      textLine(command.description()),
      ...prose(said),
      ...commandList(command),
      ...optionList(command),
      ...onExit(exits),
      ...examples(said),
      ".SH SEE ALSO",
      names
        .filter((other) => other !== name)
        .map((other) => `.BR ${escaped(other)} (1)`)
        .join(" ,\n"),
    ];
    return { name, source: `${lines.join("\n")}\n` };
  });
}

function synopsis(command: Command): string {
  const words = command.parent ? `${command.parent.name()} ${command.name()}` : command.name();
  return `${bold(words)} ${escaped(
    command
      .createHelp()
      .commandUsage(command)
      .slice(words.length + 1),
  )}`;
}

function commandList(command: Command): readonly string[] {
  const commands = command.createHelp().visibleCommands(command);
  if (commands.length === 0) return [];
  return [".SH COMMANDS", ...commands.flatMap((one) => [".TP", bold(one.name()), textLine(one.summary())])];
}

/** In the groups of the help, under their headings. */
function optionList(command: Command): readonly string[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const groups = help.groupItems([...command.options], options, (option: Option) => option.helpGroupHeading ?? "");
  const lines = [".SH OPTIONS"];
  for (const [heading, members] of groups) {
    if (heading !== "" && members.length > 0) lines.push(`.SS ${escaped(heading.replace(/:$/, ""))}`);
    for (const option of members) {
      lines.push(".TP", bold(help.optionTerm(option)), textLine(help.optionDescription(option)));
    }
  }
  return lines;
}

function prose(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap((block) => {
    if (block.kind === "text") return [".PP", textLine(block.text)];
    if (block.kind === "term") return [".TP", bold(block.term), textLine(block.text)];
    return [];
  });
}

const ON_EXIT = /^Exit codes:\s*/;

/** What is said before the exit codes, which come last in every help, and they. */
function cutAtExit(blocks: readonly Block[]): readonly [readonly Block[], readonly Block[]] {
  const at = blocks.findIndex((block) => block.kind === "text" && ON_EXIT.test(block.text));
  return at < 0 ? [blocks, []] : [blocks.slice(0, at), blocks.slice(at)];
}

function onExit([first, ...rest]: readonly Block[]): readonly string[] {
  if (first?.kind !== "text") return [];
  const text = first.text.replace(ON_EXIT, "");
  return [".SH EXIT STATUS", ...(text === "" ? [] : [textLine(text)]), ...prose(rest)];
}

function examples(blocks: readonly Block[]): readonly string[] {
  const lines = blocks.flatMap((block) => (block.kind === "examples" ? block.lines : []));
  return lines.length === 0 ? [] : [".SH EXAMPLES", ".nf", ...lines.map(escaped), ".fi"];
}
