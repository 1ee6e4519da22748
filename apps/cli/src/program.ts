import { CommanderError } from "commander";

import { isStdio } from "./arguments/parse-address.ts";
import { cancelCommand } from "./cancel-command.ts";
import { completionCommand } from "./completion-command.ts";
import { demoCommand } from "./demo-command.ts";
import { endingOf, EXIT } from "./exit-code.ts";
import { explainCommand } from "./explain-command.ts";
import { helpCommand } from "./help-command.ts";
import { DocumentedCommand } from "./help/documented-command.ts";
import { HELP_LAYOUT } from "./help/help-layout.ts";
import { helpWidth } from "./help/screen-width.ts";
import { inspectCommand } from "./inspect-command.ts";
import { limitsCommand } from "./limits-command.ts";
import { createOutput } from "./output/output.ts";
import { watchCommand } from "./qmp/watch-command.ts";
import { receiveCommand } from "./receive-command.ts";
import { resolveCommand } from "./resolve-command.ts";
import { sendCommand } from "./send-command.ts";
import { serveCommand } from "./serve-command.ts";
import { statusCommand } from "./status-command.ts";
import { verifyCommand } from "./verify-command.ts";

const HELP = `
Examples:
  blkmig receive tcp://127.0.0.1:4711 --disk vda=copy.img --create --size vda=20G
  blkmig send tcp://127.0.0.1:4711 --disk vda=/var/lib/vm.img
  blkmig verify /var/lib/vm.img copy.img
  blkmig serve --disk vda=/var/lib/vm.img --nbd nbd://127.0.0.1:10809 --control /run/vm.ctl
  blkmig send tcp://127.0.0.1:4711 --from /run/vm.ctl

Each command has its own --help, and a manual page: man blkmig-send.

Exit codes:
  0    committed (verify: equal)
  1    failed after something was written; the source is intact (verify: different)
  2    usage
  3    refused: no byte of a target was written
  4    in doubt: commit was asked for, and its outcome is unknown
  5    verify could not compare
  6    failed, and the guest could not be resumed
  130  cancelled by SIGINT or SIGTERM, the source intact`;

/** The command line, whole. Nothing runs before `parseAsync`. */
export function createProgram(version: string): DocumentedCommand {
  const program = new DocumentedCommand("blkmig")
    .description("Moves disks to another host while they are being written: live block migration.")
    .version(version)
    .helpCommand(false)
    .showHelpAfterError(false)
    .configureHelp(HELP_LAYOUT)
    .configureOutput({
      outputError: () => {}, // told once, below
      getOutHelpWidth: () => helpWidth(process.stdout),
      getErrHelpWidth: () => helpWidth(process.stderr),
    })
    .exitOverride()
    .explains(HELP);
  sendCommand(program);
  receiveCommand(program);
  serveCommand(program);
  verifyCommand(program);
  inspectCommand(program);
  statusCommand(program);
  cancelCommand(program);
  limitsCommand(program);
  resolveCommand(program);
  demoCommand(program);
  explainCommand(program);
  helpCommand(program);
  completionCommand(program);
  watchCommand(program);
  return program;
}

/** Runs the program on its arguments, `process.argv`. The exit code is `process.exitCode`. */
export async function runProgram(version: string, argv: readonly string[]): Promise<void> {
  process.stdout.on("error", () => {}); // whoever reads the help may have seen enough: `blkmig send --help | head`
  try {
    await createProgram(version).parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return; // --help, --version
    if (error instanceof CommanderError && error.code === "commander.help") {
      process.exitCode = EXIT.usage; // no command: the help has been shown on stderr
      return;
    }
    await tellBeforeCommand(error, argv);
  }
}

/** What ended it before a command could begin: commander's refusals, and options that come later. */
async function tellBeforeCommand(error: unknown, argv: readonly string[]): Promise<void> {
  const output = createOutput({ json: argv.includes("--json"), stdoutIsWire: argv.some(isStdio) });
  const ending =
    error instanceof CommanderError
      ? ({
          exitCode: EXIT.usage,
          event: "failed",
          code: "usage",
          message: usageSentence(error, argv),
        } as const)
      : endingOf(error);
  output.ended(ending);
  if (process.env["BLKMIG_DEBUG"] === "1") output.debug(error);
  process.exitCode = ending.exitCode;
  await output.flush();
}

/** Commander's sentence, on one line, and where the right words are. */
function usageSentence({ code, message }: CommanderError, argv: readonly string[]): string {
  const sentence = message.replace(/^error: /, "").replaceAll(/\s+/g, " ");
  const isKnown = createProgram("").commands.some((command) => command.name() === argv[2]);
  if (code === "commander.unknownCommand" || !isKnown) return `${sentence}; \`blkmig --help\` shows what there is`;
  return `${sentence}; \`blkmig ${argv[2]} --help\` shows how it is used`;
}
