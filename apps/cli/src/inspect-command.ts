import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
Each line is the byte of the stream at which a frame begins, its kind, its disk and its place there.
Neighbouring blocks of zeroes share a line. Of a stream that QEMU made, the machine, commands, sections, pages
and devices are shown too; part sections with nothing in them share a line. Of blkmig's own session it takes
one direction, the source's or the sink's: every frame with its extent, and messages as their JSON.

Examples:
  blkmig inspect /backup/vm.stream
  zcat vm.stream.gz | blkmig inspect --summary -

Exit codes: 0 it is a stream, 2 usage, 3 it is none, or stops inside a frame (at which byte is said).`;

export function inspectCommand(program: DocumentedCommand): void {
  program
    .command("inspect")
    .summary("print any stream, frame by frame, or counted")
    .description(
      "Prints a classic block stream, bare or in QEMU's envelope, or one direction of a session, frame by frame.",
    )
    .argument("<stream>", "a file, a file: URL, or - for standard input")
    .option(
      "--summary",
      "only count: kinds of frames per disk, bytes, offsets, devices, the switchover, how it ends",
      false,
    )
    .option("--json", "print events, one JSON object a line", false)
    .explains(HELP)
    .action((stream: string, flags: { summary: boolean; json: boolean }) =>
      runCommand({ json: flags.json }, async (world) => {
        const { inspect } = await import("./inspect/inspect.ts");
        return inspect({ stream, ...flags }, world);
      }),
    );
}
