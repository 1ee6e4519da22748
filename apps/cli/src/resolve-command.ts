import type { DocumentedCommand } from "./help/documented-command.ts";
import type { ResolveFlags } from "./resolve/resolve-options.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
For the case that an end is lost for good, or that both are in doubt and cannot talk to each other. As long
as they can, start them again instead: they find out by themselves.

At the target, where \`blkmig status\` says sealed:
  --commit ID   it is this side's disk from now on. Only if the source is moved, or never runs again
  --abort ID    it is incomplete again. Only if the source was kept
At the source, where \`blkmig status\` says asked:
  --gone ID     it has moved: nothing here sends or serves it any more. Only if the target is complete
  --keep ID     it stays this side's disk. Only if the target was aborted, or never ran

WARNING: say the same at both ends. --keep here and --commit there make two owners of one disk: both write,
and neither copy is right. ID is the migration's, as \`blkmig status\` prints it; no other is touched.
The verdict holds for all disks of the migration.

A disk that a running \`blkmig serve\` has is resolved there: its --control is said as --source. The clients
are answered again at once, here or at the new owner.

Disks that a running QEMU has are resolved there: its monitor is said as --qmp. --keep resumes the guest, and after
--gone it stays stopped.

Examples:
  blkmig resolve --target /dev/vg/vm --commit 0f1e2d3c
  blkmig resolve --source /var/lib/vm.img --gone 0f1e2d3c
  blkmig resolve --source /run/vm.ctl --keep 0f1e2d3c
  blkmig resolve --qmp unix:///run/vm.qmp --keep 0f1e2d3c

Exit codes: 0 recorded, durably; 2 usage; 3 refused: nothing is in doubt, another migration, or the disk is
in use by a process that may still learn the outcome.`;

export function resolveCommand(program: DocumentedCommand): void {
  program
    .command("resolve")
    .summary("end an in-doubt migration by hand")
    .description("Ends a migration by hand whose outcome one end does not know.")
    .option("--target <path>", "the disk that was written")
    .option("--commit <id>", "with --target: it is this side's from now on")
    .option("--abort <id>", "with --target: it is incomplete again")
    .option("--source <path>", "the disk that was sent, or the socket of the `blkmig serve` that has it")
    .option(
      "--qmp <url>",
      "the monitor of the QEMU that has the disks that were sent: unix:///path, or tcp: on this machine",
    )
    .option("--keep <id>", "with --source or --qmp: it stays this side's")
    .option("--gone <id>", "with --source or --qmp: it has moved")
    .option("--state-dir <folder>", "where records are, instead of beside files or in the usual state directory")
    .option("--insecure", "allow NBD in clear text to another machine", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .explains(HELP)
    .action((flags: ResolveFlags) =>
      runCommand(flags, async (world) => {
        const { parseResolveOptions } = await import("./resolve/resolve-options.ts");
        const { resolve } = await import("./resolve/resolve.ts");
        return resolve(parseResolveOptions(flags), world);
      }),
    );
}
