import { type Command, Option } from "commander";

import { collect } from "./arguments/collect.ts";
import { isStdio } from "./arguments/parse-address.ts";
import { addStateDirOption } from "./arguments/state-dir.ts";
import { addTlsOptions } from "./arguments/tls-arguments.ts";
import type { DocumentedCommand } from "./help/documented-command.ts";
import { addMetricsOption, measured } from "./metrics/metrics-option.ts";
import { type CommandWorld, runCommand } from "./run-command.ts";
import { addQmpOptions } from "./send/qmp-options.ts";
import type { SendFlags } from "./send/send-options.ts";

const HELP = `
Where to: tcp://host:port, unix:///path, ws://host:port/path; encrypted tls://host:port and wss://…, with
--token-file or with certificates; ssh://[user@]host[:port], which runs \`blkmig receive stdio:\` there;
stdio: (also -; with --json, events then go to file descriptor 3, or else to stderr); file:///path (a
stream kept in a file). Clear text to another machine needs --insecure. IPv6 addresses stand in brackets.

A disk is a file or a block device, or one behind NBD: nbd://host:port/export, nbd+unix:///export?socket=/path,
nbds: with tls-psk-file=FILE or tls-certificates=FOLDER. Its size is a multiple of 512. It is opened read-only, and
must not change meanwhile: a file that does ends the migration with exit code 1; of a disk behind NBD nothing
says whether it does. --incremental of one needs a server that tells what is above the base (qemu-nbd --allocation-depth).

What is spoken (--wire):
  2     blkmig's own session, the default: acknowledged, checked, over as many connections as it takes
        and committed step by step. Before the commit is asked for it is recorded beside the disk
        (PATH.blkmig, or in --state-dir), and so is its outcome: a disk that has moved is not sent again
  1.1   the classic stream, one way; the default for file:, and where nobody can answer on standard
        input. It has no commit: nothing is recorded here, and the source is not marked as moved
  1.0   the same for receivers that know no zero blocks
  qemu  a stock QEMU that waits with -incoming: disks are called as its -drive id=NAME, and must be
        attached to a device there

With --from the disks are live: a \`blkmig serve\` has them, does this, and goes on if this process goes away.
--disk then says the NAME alone (default: all). When all but a little has arrived the clients' requests
are held, the commit is made, and by --after they are passed on to the new owner's NBD, hung up on, or held
until the server ends. Files are read by the server, and ssh is run by it.

With --qmp the disks are those of a QEMU that runs, of any version since 5.2: its monitor is said (-qmp
unix:/run/vm.qmp,server=on,wait=off), and nothing else of how it was started matters. A disk is called by its device
id, drive id or node name (blkmig status --qmp lists them), and named so on the wire unless another NAME is said. All
are copied as of one moment: QEMU notes what the guest writes, serves its disks over NBD at a socket that it makes
beside the monitor's, and is stopped for the last part. Once the receiver has committed the guest stays stopped (--after hold):
its disks have moved. With --after cont it goes on, and the copy is a disk of its own, as of the moment of the stop. What
fails before the commit was asked for, this program killed included, resumes the guest and leaves nothing in its QEMU.

With --migrate-to the machine goes, too, by QEMU's own migration: the QEMU there was started with -S, -incoming
and its disks on the receiver's targets, and its monitor is said (--to-qmp). The memory follows when the disks
have converged; both together keep to --downtime-limit. Only when both ends have everything, and the commit is
recorded, is the guest let run there; until then it runs here, or nowhere. Memory in clear text to another machine
needs --insecure, too.

After a crash of either end --resume, said on both sides, goes on with what has arrived. Exit code 4
says that the commit was asked for and its answer is missing: --resume asks again, and \`blkmig resolve\`
ends it by hand.

Examples:
  blkmig send tcp://127.0.0.1:4711 --disk vda=/var/lib/vm.img
  blkmig send unix:///run/blkmig.sock --disk vda=/dev/vg/a --disk vdb=/dev/vg/b --max-bandwidth 100M
  blkmig send tls://backup.example:4711 --token-file token --disk vda=vm.img --reconnect-for 30m
  blkmig send ssh://root@backup.example --disk vda=vm.img --remote-disk vda=/dev/vg/vm
  blkmig send ssh://backup.example:2222 --disk vda=vm.img --remote-disk vda=vm.img \\
    --remote-flag --create --ssh-command 'ssh -i "my key"'
  blkmig send tcp://127.0.0.1:4711 --disk vda=vm.img --resume
  blkmig send file:///backup/vm.stream --disk vda=vm.img
  blkmig send tls://there:4711 --token-file token --from /run/vm.ctl --downtime-limit 100ms
  blkmig send tcp://127.0.0.1:4711 --from /run/vm.ctl --disk vda --after close
  blkmig send tls://there:4711 --token-file token --qmp unix:///run/vm.qmp
  blkmig send tcp://127.0.0.1:4711 --qmp unix:///run/vm.qmp --disk virtio0=vda --after cont
  blkmig send tls://there:4711 --token-file token --qmp unix:///run/vm.qmp \\
    --migrate-to tcp:127.0.0.1:4444 --to-qmp tcp://127.0.0.1:4445   # both led there by ssh -L
  blkmig send tcp://127.0.0.1:4444 --wire qemu --disk drive0=vm.img

Exit codes: 0 committed, 1 failed (source intact), 2 usage, 3 refused, 4 in doubt, 6 guest lost,
130 cancelled (source intact).`;

export function sendCommand(program: DocumentedCommand): void {
  const command = program
    .command("send")
    .optionsGroup("What, and how fast:")
    .summary("move disks to a receiver")
    .description(
      "Moves disks to a receiver, and says completed only when the receiver has proved that it has everything.",
    )
    .argument("<to>", "where to")
    .option(
      "--disk <name=source>",
      "a disk, and its name on the wire; with --from the NAME alone; with --qmp ID or ID=NAME (repeatable)",
      collect,
      [],
    )
    .option("--wire <generation>", "2, 1.1, 1.0 or qemu (default: 2 where there is an answer)")
    .option("--max-bandwidth <bytes>", "bytes per second, such as 100M or 1.5G (default: no limit)")
    .option("--downtime-limit <time>", "how long the guest may be paused: 300ms, 1.5s, 2m", "300ms")
    .option("--incremental", "send only what is allocated above a base that the receiver has too", false)
    .option("--force <danger>", "take on a danger: in-use, incomplete, mounted, moved (repeatable)", collect, []);
  addLiveOptions(command);
  addQmpOptions(command);
  addSessionOptions(command);
  addRemoteOptions(command);
  addTlsOptions(command);
  command
    .optionsGroup("Older wires:")
    .option("--no-zero-blocks", "for the older wires: send blocks of zeroes as data")
    .option("--machine <name>", "for --wire qemu: the machine type it was started with (default: any)")
    .optionsGroup("The rest:");
  addMetricsOption(command);
  command
    .option("--listen", "let the receiver dial", false)
    .option(
      "--allow-origin <origin>",
      "with --listen at ws: and wss:, let pages of that origin receive (repeatable)",
      collect,
      [],
    )
    .option("--insecure", "allow clear text to another machine", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .explains(HELP);
  command.action((to: string, flags: SendFlags) =>
    runCommand({ json: flags.json, stdoutIsWire: isStdio(to) }, async (world) => {
      const run = await chosen(to, flags);
      return measured(flags, { ...world, version: program.version() ?? "" }, run);
    }),
  );
}

/** What of the three ways to send was asked for, understood and not begun. */
async function chosen(to: string, flags: SendFlags): Promise<(world: CommandWorld) => Promise<number>> {
  if (flags.qmp !== undefined) {
    const { parseSendQemuOptions } = await import("./qmp/send-qemu-options.ts");
    const { sendQemu } = await import("./qmp/send-qemu.ts");
    const options = parseSendQemuOptions(to, flags.qmp, flags);
    return (world) => sendQemu(options, world);
  }
  if (flags.from === undefined) {
    const { parseSendOptions } = await import("./send/send-options.ts");
    const { send } = await import("./send/send.ts");
    const options = parseSendOptions(to, flags);
    return (world) => send(options, world);
  }
  const { parseSendFromOptions } = await import("./send/send-from-options.ts");
  const { sendFrom } = await import("./send/send-from.ts");
  const options = parseSendFromOptions(to, flags.from, flags);
  return (world) => sendFrom(options, world);
}

function addLiveOptions(command: Command): void {
  command
    .optionsGroup("Live disks of a server:")
    .option("--from <control>", "move disks of a running `blkmig serve`: its socket, a path or unix:///path")
    .addOption(
      new Option(
        "--after <what>",
        "with --from: what becomes of the clients: forward (pass them on), close or hold (default: forward); with --qmp: of the guest: hold (it stays stopped, the default) or cont",
      ),
    )
    .option("--forward-to <url>", "with --from: the NBD address of the new owner (default: what the receiver says)")
    .option("--throttle", "with --from: slow the clients' writes down if there is no end otherwise")
    .option("--mirror", "with --from: write to both ends before the answer if there is no end otherwise");
}

function addSessionOptions(command: Command): void {
  command
    .optionsGroup("The session:")
    .addOption(new Option("--verify", "have the receiver read everything back before the commit (the default)"))
    .addOption(new Option("--no-verify", "commit what was checked on arrival, without reading it back"))
    .option("--no-checksum", "do not checksum what is sent: for a wire that checks for itself, such as tls:")
    .option("--resume", "go on with the migration that the disks are in; say it on both sides", false)
    .option("--reconnect-for <time>", "how long a broken connection is tried again (default: 5m)")
    .option("--clone", "the source stays a disk of its own, and is not marked as moved", false)
    .option("--granularity <bytes>", "the grain of what is sent again: a power of two, 4K to 1M (default: 64K)");
  addStateDirOption(command);
}

function addRemoteOptions(command: Command): void {
  command
    .optionsGroup("Over ssh:")
    .option("--remote-disk <name=target>", "for ssh: where the disk goes there (repeatable)", collect, [])
    .option("--remote-command <path>", "for ssh: the blkmig there (default: blkmig)")
    .option("--remote-flag <flag>", "for ssh: an option of `blkmig receive` there (repeatable)", collect, [])
    .option("--ssh-command <command>", "for ssh: the ssh here, such as 'ssh -i key' (default: ssh)");
}
