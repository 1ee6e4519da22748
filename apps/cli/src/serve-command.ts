import { collect } from "./arguments/collect.ts";
import { addStateDirOption } from "./arguments/state-dir.ts";
import type { DocumentedCommand } from "./help/documented-command.ts";
import { addMetricsOption, measured } from "./metrics/metrics-option.ts";
import { runCommand } from "./run-command.ts";
import type { ServeFlags } from "./serve/serve-options.ts";

const HELP = `
Where: nbd://host:port, nbd+unix:///?socket=/path; encrypted nbds://host:port?tls-psk-file=/path or
nbds://…?tls-certificates=/folder (with server-cert.pem, server-key.pem and ca-cert.pem). Port 0 picks a
free one, and the line "listening at" says which. An address that other machines can reach is encrypted,
or needs --insecure. Each disk is the export of its NAME, a single one also the default export.

A disk is a file, a block device, or one behind another NBD server. It is written, and locked against
other processes. One that is mounted, in use or an unfinished target is refused, unless that danger is
forced; one that is in doubt always is. One that has moved is never served from here again: its clients
are passed on to its new owner if they were before, or it is refused.

At CONTROL (a path, or unix:///path; of its owner alone) a running server is asked and told, in lines of
JSON, by \`blkmig send --from\`, \`status\`, \`limits\`, \`cancel\` and \`resolve\`.

SIGTERM and SIGINT end it: what clients had asked for is answered, everything is flushed. A service of
systemd has Type=notify and NotifyAccess=all.

Examples:
  blkmig serve --disk vda=/var/lib/vm.img --nbd nbd://127.0.0.1:10809
  blkmig serve --disk vda=/dev/vg/vm --nbd nbd+unix:///?socket=/run/vm.nbd --control /run/vm.ctl
  blkmig serve --disk a=a.img --disk b=b.img --nbd 'nbds://0.0.0.0?tls-psk-file=/etc/blkmig/keys.psk'
  blkmig send tls://there:4711 --token-file token --from /run/vm.ctl

Exit codes: 0 ended by a signal, or every disk has moved (--after close), 1 not everything could be
flushed, 2 usage, 3 refused, 4 a migration is in doubt.`;

export function serveCommand(program: DocumentedCommand): void {
  const command = program
    .command("serve")
    .summary("export live, tracked disks over NBD")
    .description("Serves disks over NBD with their writes tracked, so that they can be moved while they are in use.")
    .option("--disk <name=path>", "a disk, and its export's name (repeatable)", collect, [])
    .option("--nbd <url>", "where NBD is spoken (repeatable)", collect, [])
    .option("--control <control>", "the socket at which it is asked and told: a path, or unix:///path")
    .option("--read-only", "let nobody write", false)
    .option("--granularity <bytes>", "the grain of tracking: a power of two, 512 to 1M", "64K")
    .option("--force <danger>", "take on a danger: in-use, incomplete, mounted (repeatable)", collect, []);
  addStateDirOption(command);
  addMetricsOption(command);
  command
    .option("--insecure", "allow clear text with other machines", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .explains(HELP)
    .action((flags: ServeFlags) =>
      runCommand(flags, async (world) => {
        const { parseServeOptions } = await import("./serve/serve-options.ts");
        const { serve } = await import("./serve/serve.ts");
        const options = parseServeOptions(flags);
        return measured(flags, { ...world, version: program.version() ?? "" }, (within) => serve(options, within));
      }),
    );
}
