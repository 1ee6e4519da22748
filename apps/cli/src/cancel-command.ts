import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
The disks stay where they are, and their clients notice nothing. A commit that was asked for cannot be
taken back: then this waits, and says how it ended.

Examples:
  blkmig cancel --control /run/vm.ctl

Exit codes: 0 cancelled, 1 it ended otherwise first, 2 usage, 3 no migration runs, or nobody is there,
4 in doubt.`;

interface CancelFlags {
  readonly control: string;
  readonly json: boolean;
}

export function cancelCommand(program: DocumentedCommand): void {
  program
    .command("cancel")
    .summary("cancel the migration that a running `blkmig serve` is in")
    .description("Cancels the migration of a running `blkmig serve`, and waits until it is over.")
    .requiredOption("--control <control>", "the server's socket: a path, or unix:///path")
    .option("--json", "print an event, one JSON object on a line, on stdout", false)
    .explains(HELP)
    .action((flags: CancelFlags) =>
      runCommand(flags, async (world) => {
        const { parseControl } = await import("./control/parse-control.ts");
        const { cancel } = await import("./control/cancel.ts");
        return cancel(parseControl(flags.control, "--control"), world);
      }),
    );
}
