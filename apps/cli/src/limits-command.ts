import type { LimitsFlags } from "./control/limits.ts";
import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
They hold for the migration that runs, from now on; the next one has its own.

Examples:
  blkmig limits --control /run/vm.ctl --max-bandwidth 200M
  blkmig limits --control /run/vm.ctl --max-bandwidth none --downtime-limit 1s

Exit codes: 0 set, 2 usage, 3 no migration runs, or nobody is there.`;

export function limitsCommand(program: DocumentedCommand): void {
  program
    .command("limits")
    .summary("set the limits of the migration that a running `blkmig serve` is in")
    .description("Sets how fast the migration of a running `blkmig serve` may send, and how long it may pause.")
    .requiredOption("--control <control>", "the server's socket: a path, or unix:///path")
    .option("--max-bandwidth <bytes>", "bytes per second, such as 100M or 1.5G; none: no limit")
    .option("--downtime-limit <time>", "how long the clients may be held: 300ms, 1.5s, 2m")
    .option("--json", "print an event, one JSON object on a line, on stdout", false)
    .explains(HELP)
    .action((flags: LimitsFlags) =>
      runCommand(flags, async (world) => {
        const { limits } = await import("./control/limits.ts");
        return limits(flags, world);
      }),
    );
}
