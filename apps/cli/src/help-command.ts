import type { DocumentedCommand } from "./help/documented-command.ts";

const HELP = `
Examples:
  blkmig help
  blkmig help send`;

/** `blkmig help send` is `blkmig send --help`; commander's own says nothing of a command that is not there. */
export function helpCommand(program: DocumentedCommand): void {
  program
    .command("help")
    .summary("what a command does, and its options")
    .description("Shows what there is, or what a command does and its options.")
    .argument("[command]", "one of blkmig's")
    .explains(HELP)
    .action(async (name: string | undefined) => {
      if (name === undefined) return program.help();
      const asked = program.commands.find((command) => command.name() === name);
      if (asked) return asked.help();
      await program.parseAsync([name], { from: "user" }); // says that there is none, and which it may have been
    });
}
