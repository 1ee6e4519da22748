import { Argument } from "commander";

import type { DocumentedCommand } from "./help/documented-command.ts";

const HELP = `
Commands, options and their values are offered, files where a disk or a file stands, and of an address its kind.
The script runs nothing: make it anew when blkmig is a later one.

Examples:
  blkmig completion bash > ~/.local/share/bash-completion/completions/blkmig
  blkmig completion zsh > ~/.zfunc/_blkmig   # with fpath+=(~/.zfunc) before compinit
  blkmig completion fish > ~/.config/fish/completions/blkmig.fish
  source <(blkmig completion bash)

Exit codes: 0 printed, 2 usage.`;

export function completionCommand(program: DocumentedCommand): void {
  program
    .command("completion")
    .summary("print a script by which a shell completes what is typed")
    .description("Prints the script by which bash, zsh or fish completes what is typed after blkmig.")
    .addArgument(new Argument("<shell>", "which one").choices(["bash", "zsh", "fish"]))
    .explains(HELP)
    .action(async (shell: string) => {
      const { completionScript } = await import("./completion/completion.ts");
      process.stdout.write(completionScript(program, shell));
    });
}
