import { EXIT } from "./exit-code.ts";
import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
Makes a disk image of 320 MiB in the temporary folder, with a real file system where there is mkfs.ext4; starts a receiver
and a sender as processes of their own; has a guest write checked records to the disk all along; moves it, and cuts the
connection on the way, then kills the receiver and starts it again; and compares both disks. Takes some seconds and up to
1 GiB of room, and leaves nothing behind.

Examples:
  blkmig demo
  TMPDIR=/var/tmp blkmig demo`;

/** The main job, on a disk made for it. */
export function demoCommand(program: DocumentedCommand): void {
  program
    .command("demo")
    .summary("the main job, on a disk made for it")
    .description("Moves a disk while it is being written, verifies it, and shows what happens.")
    .explains(HELP)
    .action(() =>
      runCommand({ json: false }, async ({ output, signal }) => {
        const { runDemo } = await import("./demo/run-demo.ts");
        await runDemo(output, signal);
        return signal.aborted ? EXIT.cancelled : EXIT.ok;
      }),
    );
}
