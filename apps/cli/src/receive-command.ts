import { Option } from "commander";

import { collect } from "./arguments/collect.ts";
import { isStdio } from "./arguments/parse-address.ts";
import { addStateDirOption } from "./arguments/state-dir.ts";
import { addTlsOptions } from "./arguments/tls-arguments.ts";
import type { DocumentedCommand } from "./help/documented-command.ts";
import { addMetricsOption, measured } from "./metrics/metrics-option.ts";
import type { ReceiveFlags } from "./receive/receive-options.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
Where: tcp://host:port, unix:///path, ws://host:port/path; encrypted tls://host:port and wss://…, with
--pair, --token-file or certificates; port 0 picks a free one, and the line "listening at" says which;
file:///path (a classic stream kept in a file), or stdio: (also -; with --json, events then go to file
descriptor 3, or else to stderr). An address that other machines can reach is encrypted, or needs
--insecure. IPv6 addresses stand in brackets.

A disk is a file, a block device, or one behind NBD: nbd://host:port/export,
nbd+unix:///export?socket=/path, nbds: with tls-psk-file=FILE or tls-certificates=FOLDER. One behind NBD must be there
(--create does not make it), has its record in the state directory, and is not locked.

A session of blkmig, a classic stream and a QEMU's are told apart by their first bytes, on one port. On a
socket, peers that say nothing valid are dropped and the receiver goes on listening. A sender of a
session whose connection breaks may come back for --reconnect-for.

A target is a file or a block device, at least as large as the disk. One that is mounted, in use, holds a
file system (or a partition table, LVM, LUKS, swap), or is another migration's unfinished target is
refused, unless that danger is forced; one that is too small, or in doubt, always is. From the first
byte written until the commit a target is marked as incomplete, beside it (PATH.blkmig) or in the state
directory; --resume goes on with it after a crash. \`blkmig status --target\` says what a target is.

With --nbd each disk is an export by its name once it is committed: NBD clients that come before wait until then, those of
a sender that forwards them among them. The program then serves, and exits with 0 when it is interrupted.

What a QEMU sends with migrate -b is recognised. Use its capability return-path, and keep its downtime-limit at
0 until its bulk phase is over: it ends early otherwise, and is then told that it has failed.

Examples:
  blkmig receive tcp://127.0.0.1:4711 --disk vda=/dev/vg/vm
  blkmig receive unix:///run/blkmig.sock --disk vda=vm.img --create --size vda=20G
  blkmig receive file:///backup/vm.stream --disk vda=/dev/vg/vm
  blkmig receive tls://0.0.0.0:4711 --pair --disk vda=vm.img --create
  blkmig receive tcp://127.0.0.1:0 --disk vda=vm.img --keep --json
  blkmig receive tcp://127.0.0.1:4711 --disk vda=vm.img --create --nbd nbd://127.0.0.1:10809

Exit codes: 0 committed, 1 failed after something was written, 2 usage, 3 refused (nothing was
written), 4 in doubt (everything is here, and only the sender knows whether it commits), 130 cancelled.`;

export function receiveCommand(program: DocumentedCommand): void {
  const command = program
    .command("receive")
    .optionsGroup("Targets:")
    .summary("take one migration, then exit")
    .description("Takes disks from a sender, and answers only when every block of every disk is on stable storage.")
    .argument("<at>", "where the sender will come to")
    .option("--disk <name=target>", "where the disk of that name shall go (repeatable)", collect, [])
    .option("--create", "make targets that are missing; from a classic sender it needs --size", false)
    .option(
      "--size <name=bytes>",
      "how large the disk is, for a target to make or one that is larger: vda=20G (repeatable)",
      collect,
      [],
    )
    .optionsGroup("The migration:")
    .option("--resume", "go on with the migration that the targets are in; say it on both sides", false)
    .option("--reconnect-for <time>", "how long a sender may take to come back when a connection breaks (default: 5m)")
    .option("--keep", "go on listening after each migration, well or not", false)
    .option("--incremental", "the sender leaves out what is in a base that both have", false)
    .option(
      "--force <danger>",
      "take on a danger: filesystem, in-use, incomplete, mounted, sector-size (repeatable)",
      collect,
      [],
    )
    .option("--vm-state <file>", "from a QEMU: keep everything that is no disk, for the QEMU that goes on here")
    .optionsGroup("Serving them afterwards:")
    .option("--nbd <url>", "serve the disks there once they are committed, until interrupted (repeatable)", collect, [])
    .option(
      "--control <control>",
      "with --nbd: the socket by which they are moved on, as `blkmig serve` has it; there from the commit on",
    )
    .optionsGroup("Encryption:")
    .option("--pair", "for tls: and wss:, make a token for one sender, and say what it must type", false);
  addTlsOptions(command);
  command.optionsGroup("The rest:");
  addStateDirOption(command);
  addMetricsOption(command);
  command
    .option("--connect", "dial the sender instead of waiting for it", false)
    .option("--allow-origin <origin>", "for ws: and wss:, let pages of that origin connect (repeatable)", collect, [])
    .option("--insecure", "allow clear text from another machine", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .addOption(new Option("--recognise-within <time>").default("10s").hideHelp())
    .explains(HELP);
  command.action((at: string, flags: ReceiveFlags) =>
    runCommand({ json: flags.json, stdoutIsWire: isStdio(at) }, async (world) => {
      const { parseReceiveOptions } = await import("./receive/receive-options.ts");
      const { receive } = await import("./receive/receive.ts");
      const options = parseReceiveOptions(at, flags);
      return measured(flags, { ...world, version: program.version() ?? "" }, (within) => receive(options, within));
    }),
  );
}
