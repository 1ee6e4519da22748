import type { Command } from "commander";

import { collect } from "./arguments/collect.ts";
import { addLaterOptions } from "./arguments/not-built.ts";
import { isStdio } from "./arguments/parse-address.ts";
import { runCommand } from "./run-command.ts";
import { parseSendOptions, type SendFlags } from "./send/send-options.ts";
import { send } from "./send/send.ts";

const HELP = `
Where to: tcp://host:port, unix:///path, ws://host:port/path, file:///path (a stream kept in a
file), or stdio: (also -; with --json, events then go to file descriptor 3, or else to stderr).
Clear text to another machine needs --insecure. IPv6 addresses stand in brackets.

A disk is a file or a block device whose size is a multiple of 512. It is opened read-only, and must
not change meanwhile: a file that does ends the migration with exit code 1.

A stock QEMU that waits with -incoming takes disks by --wire qemu: they are called as its -drive id=NAME,
and must be attached to a device there.

Examples:
  blkmig send tcp://127.0.0.1:4711 --disk vda=/var/lib/vm.img
  blkmig send unix:///run/blkmig.sock --disk vda=/dev/vg/a --disk vdb=/dev/vg/b --max-bandwidth 100M
  blkmig send file:///backup/vm.stream --disk vda=vm.img
  blkmig send tcp://127.0.0.1:4444 --wire qemu --disk drive0=vm.img
  blkmig send - --disk vda=vm.img | ssh host blkmig receive - --disk vda=/dev/sdb

Exit codes: 0 committed, 1 failed (source intact), 2 usage, 3 refused, 4 in doubt, 6 guest lost,
130 cancelled (source intact).`;

export function sendCommand(program: Command): void {
  const command = program
    .command("send")
    .summary("move disks to a receiver")
    .description(
      "Moves disks to a receiver, and says completed only when the receiver has proved that it has everything.",
    )
    .argument("<to>", "where to")
    .option("--disk <name=source>", "a disk, and its name on the wire (repeatable)", collect, [])
    .option("--wire <generation>", "1.1; 1.0 for receivers that know no zero blocks; qemu for a QEMU", "1.1")
    .option("--machine <name>", "for --wire qemu: the machine type it was started with (default: any)")
    .option("--max-bandwidth <bytes>", "bytes per second, such as 100M or 1.5G (default: no limit)")
    .option("--downtime-limit <time>", "how long the guest may be paused: 300ms, 1.5s, 2m", "300ms")
    .option("--no-zero-blocks", "send blocks of zeroes as data")
    .option("--incremental", "send only what is allocated above a base that the receiver has too", false)
    .option("--force <danger>", "take on a danger: in-use, mounted (repeatable)", collect, [])
    .option("--listen", "let the receiver dial", false)
    .option("--insecure", "allow clear text to another machine", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .addHelpText("after", HELP);
  addLaterOptions(command, "send");
  command.action((to: string, flags: SendFlags) =>
    runCommand({ json: flags.json, stdoutIsWire: isStdio(to) }, async (world) =>
      send(parseSendOptions(to, flags), world),
    ),
  );
}
