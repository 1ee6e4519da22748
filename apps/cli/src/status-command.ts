import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";
import type { StatusFlags } from "./status/status-options.ts";

const HELP = `
A target is
  complete    a migration to it was committed
  incomplete  a migration has begun to write it, and was not committed
  sealed      all is there, and whether it was committed is not known: in doubt
  foreign     no migration of blkmig's has written it; what it holds is named if it is recognised
A source is
  free        in no migration
  sending     one has begun
  asked       commit was asked for, and the outcome is not known: in doubt
  moved       its owner is elsewhere
  cloned      it went there, and stays a disk here too
Of a disk in doubt the \`blkmig resolve\` commands are printed that would end it.

The record is beside a file (PATH.blkmig), and that of a block device in the state directory.
Nothing is written, and a disk that is in use can be asked for.

Of a running \`blkmig serve\`: where it serves, its disks and their clients, and the migration that runs or
was last. A disk there is local, held or in-doubt (nobody is answered), forwarding, closed or failed.

Of a running QEMU, by its monitor: its disks, by all the ids that send --qmp takes, and whether each can be moved;
what is on record of them; and what migrations have there:
  under way   one has them, and its process lives
  leftover    a run that crashed has left exports, bitmaps, the NBD server, or a guest that it had stopped
  in doubt    commit was asked for, and the outcome is not known: the guest stays stopped
  moved       its owner is elsewhere: the guest stays stopped
Nothing is changed in it, unless --clean is said: that removes what is left, and lets a guest run again that a crashed
run had stopped. One that is under way is refused, and one in doubt is left to \`blkmig resolve\`. A monitor serves one
program at a time, so it does not answer while \`blkmig send\` has it: give QEMU a second one to look by.

Examples:
  blkmig status --target copy.img
  blkmig status --target /dev/vg/vm --json
  blkmig status --source /var/lib/vm.img
  blkmig status --control /run/vm.ctl --json
  blkmig status --qmp unix:///run/vm.qmp
  blkmig status --qmp unix:///run/vm.qmp --clean

Exit codes: 0 whatever the disk is, 2 usage, 3 it could not be read. With --clean: 0 nothing is left that can be
removed, 3 a migration is under way or QEMU could not be asked, 4 one is in doubt, 6 the guest could not be resumed.`;

export function statusCommand(program: DocumentedCommand): void {
  program
    .command("status")
    .summary("what a target or a source is: complete, in doubt, moved; what a server does, or a QEMU has")
    .description(
      "Says what a disk is to migrations: complete, incomplete, in doubt, moved, or nothing of theirs; what a server does; or what a QEMU has.",
    )
    .option("--target <path>", "a disk that is written by a migration")
    .option("--source <path>", "a disk that is sent by one")
    .option("--state-dir <folder>", "where records are, instead of beside files or in the usual state directory")
    .option("--control <control>", "what a running `blkmig serve` does: its socket, a path or unix:///path")
    .option("--qmp <url>", "what a running QEMU has: its monitor, unix:///path, or tcp: on this machine")
    .option(
      "--clean",
      "with --qmp: remove what crashed runs have left there, and let a guest run that they had stopped",
      false,
    )
    .option("--insecure", "allow NBD in clear text to another machine", false)
    .option("--json", "print an event, one JSON object on a line, on stdout", false)
    .explains(HELP)
    .action((flags: StatusFlags) =>
      runCommand(flags, async (world) => {
        const { parseStatusOptions } = await import("./status/status-options.ts");
        const { status } = await import("./status/status.ts");
        return status(parseStatusOptions(flags), world);
      }),
    );
}
