import { CommandError } from "../command-error.ts";
import { type MoveWords, wordsOf } from "../control/move-words.ts";
import { parseControl } from "../control/parse-control.ts";
import { parseMove } from "../control/parse-move.ts";
import { refuseQmpOptions } from "./qmp-flags.ts";
import type { SendFlags } from "./send-options.ts";

/** What commander makes of the options that only live disks have. */
export interface FromFlags {
  readonly from?: string;
  readonly after?: string;
  readonly forwardTo?: string;
  readonly throttle?: boolean;
  readonly mirror?: boolean;
}

/** What `blkmig send --from` shall ask for, and whom. */
export interface SendFromOptions {
  /** The socket's path. */
  readonly control: string;
  readonly words: MoveWords;
}

/** Throws `CommandError` for what the server would refuse, without asking it. */
export function parseSendFromOptions(to: string, from: string, flags: SendFlags): SendFromOptions {
  refuseQmpOptions(flags);
  refuse(saidForDisks(flags), "does not go with --from: the disks are the server's, which has opened and tracks them");
  const words = wordsOf({ ...flags, to });
  parseMove(words);
  return { control: parseControl(from, "--from"), words };
}

function saidForDisks(flags: SendFlags): readonly string[] {
  const { wire, incremental, clone, force, granularity, zeroBlocks, machine, stateDir, allowOrigin } = flags;
  return [
    ...(wire === undefined || wire === "2" ? [] : [`--wire ${wire}`]),
    ...(incremental ? ["--incremental"] : []),
    ...(clone ? ["--clone"] : []),
    ...(force.length > 0 ? ["--force"] : []),
    ...(granularity === undefined ? [] : ["--granularity"]),
    ...(zeroBlocks ? [] : ["--no-zero-blocks"]),
    ...(machine === undefined ? [] : ["--machine"]),
    ...(allowOrigin.length > 0 ? ["--allow-origin"] : []),
    ...(stateDir === undefined ? [] : ["--state-dir"]),
  ];
}

/** Disks that nobody writes have no clients, and nothing to converge. */
export function refuseLiveOptions({ after, forwardTo, throttle = false, mirror = false }: FromFlags): void {
  if (after !== undefined)
    throw new CommandError("usage", "--after is for live disks: it goes with --from CONTROL or --qmp URL");
  const said = [
    ...(forwardTo === undefined ? [] : ["--forward-to"]),
    ...(throttle ? ["--throttle"] : []),
    ...(mirror ? ["--mirror"] : []),
  ];
  refuse(said, "is for live disks: it goes with --from CONTROL");
}

function refuse([first]: readonly string[], why: string): void {
  if (first !== undefined) throw new CommandError("usage", `${first} ${why}`);
}
