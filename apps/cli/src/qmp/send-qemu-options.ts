import type { QmpAddress } from "@blkmig/qemu";
import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { parseOrigins } from "../arguments/parse-origin.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { parseStateDir, type StateDirOption } from "../arguments/state-dir.ts";
import { parseTlsFiles } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import { chooseWire } from "../send/choose-wire.ts";
import { parseRemoteReceiver, type RemoteReceiver } from "../send/remote-receiver.ts";
import type { SendFlags, SendPlace } from "../send/send-options.ts";
import { parseSessionChoices, type SessionChoices } from "../send/session-choices.ts";
import { canBeAnswered } from "../stdio-directions.ts";
import { type MachineArgument, parseMachineTo } from "./machine-argument.ts";
import { chooseNbdSocket } from "./nbd-socket.ts";
import { parseMonitorHere } from "./parse-monitor.ts";
import { parseQemuDisks, type QemuDiskArgument } from "./qemu-disk-argument.ts";

/** What becomes of the guest here once the receiver has committed: it stays stopped, or it goes on with disks of its own. */
type AfterMove = "hold" | "cont";

/** What `blkmig send --qmp` shall do. */
export interface SendQemuOptions extends Omit<SendPlace, "remote">, StateDirOption {
  readonly monitor: QmpAddress;
  /** The path of the socket at which QEMU serves its disks meanwhile. */
  readonly nbdSocket: string;
  /** Undefined: all that can be moved. */
  readonly wanted: readonly QemuDiskArgument[] | undefined;
  readonly after: AfterMove;
  /** The machine moves, too. */
  readonly machine: MachineArgument | undefined;
  /** Which disks there are only QEMU knows, so what is said for `ssh:` is understood later. Throws `CommandError` `usage`. */
  readonly remoteOf: (names: readonly string[]) => RemoteReceiver | undefined;
  readonly dangers: Dangers;
  readonly session: SessionChoices;
  readonly incremental: boolean;
  readonly maxBandwidth: number | undefined;
  /** Milliseconds. */
  readonly downtimeLimit: number;
}

export function parseSendQemuOptions(text: string, qmp: string, flags: SendFlags): SendQemuOptions {
  refuse(saidInVain(flags));
  const { maxBandwidth, listen, incremental, insecure } = flags;
  const wanted = parseQemuDisks(flags.disk);
  const to = parseAddress(text, { insecure, ssh: true });
  if (listen && !isSocket(to)) throw new CommandError("usage", `--listen: nobody can dial ${text}`);
  const monitor = parseMonitorHere(qmp, "--qmp");
  const after = parseAfter(flags.after ?? "hold");
  return {
    to,
    listen,
    allowOrigin: parseOrigins(flags.allowOrigin, to, listen),
    tls: parseTlsFiles(flags, to),
    monitor,
    nbdSocket: chooseNbdSocket(flags.nbdSocket, monitor),
    wanted,
    after,
    machine: parseMachineTo(flags, flags.after, { insecure }),
    remoteOf: parseRemote(flags, to),
    dangers: parseDangers(flags.force, "send --qmp"),
    session: parseSession(flags, to, after),
    ...parseStateDir(flags),
    incremental,
    downtimeLimit: parseTime(flags.downtimeLimit, "--downtime-limit"),
    maxBandwidth: maxBandwidth === undefined ? undefined : parseBandwidth(maxBandwidth, "--max-bandwidth"),
  };
}

/** A guest that goes on has disks of its own: to the receiver that is a clone. */
function parseSession(flags: SendFlags, to: WireUrl, after: AfterMove): SessionChoices {
  const { wire } = chooseWire(flags.wire ?? "2", to, canBeAnswered(to));
  return { ...parseSessionChoices(flags, wire)!, clone: after === "cont" };
}

function parseAfter(word: string): AfterMove {
  if (word === "hold" || word === "cont") return word;
  throw new CommandError("usage", `--after: '${word}' is none of hold and cont, which a QEMU's guest can do`);
}

function parseRemote(flags: SendFlags, to: WireUrl): SendQemuOptions["remoteOf"] {
  const remoteOf = (names: readonly string[]) =>
    parseRemoteReceiver(
      flags,
      to,
      names.map((name) => ({ name })),
    );
  if (to.kind !== "ssh") remoteOf([]); // what is wrong of it is said before a QEMU is asked
  return remoteOf;
}

function saidInVain(flags: SendFlags): readonly (readonly [option: string, why: string])[] {
  const { wire, clone, from, throttle = false, mirror = false, forwardTo, zeroBlocks, machine } = flags;
  const session = "a QEMU's disks go by blkmig's own session alone";
  const unheld = "a QEMU's guest can be stopped, and its writes cannot be held";
  return [
    ...(from === undefined ? [] : [["--from", "one has the disks, a `blkmig serve` or a QEMU"] as const]),
    ...(wire === undefined || wire === "2" ? [] : [[`--wire ${wire}`, session] as const]),
    ...(clone ? [["--clone", "say --after cont, and the guest goes on with disks of its own"] as const] : []),
    ...(throttle ? [["--throttle", unheld] as const] : []),
    ...(mirror ? [["--mirror", unheld] as const] : []),
    ...(forwardTo === undefined ? [] : [["--forward-to", "the disks' only client is the guest"] as const]),
    ...(zeroBlocks ? [] : [["--no-zero-blocks", session] as const]),
    ...(machine === undefined ? [] : [["--machine", session] as const]),
  ];
}

function refuse([first]: ReturnType<typeof saidInVain>): void {
  if (first) throw new CommandError("usage", `${first[0]} does not go with --qmp: ${first[1]}`);
}
