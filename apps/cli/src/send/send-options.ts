import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks } from "../arguments/parse-disk.ts";
import { parseOrigins } from "../arguments/parse-origin.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { parseStateDir, type StateDirFlags, type StateDirOption } from "../arguments/state-dir.ts";
import { parseTlsFiles, type TlsFiles, type TlsFlags } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import type { MetricsFlags } from "../metrics/metrics-option.ts";
import { canBeAnswered } from "../stdio-directions.ts";
import { type ChosenWire, chooseWire, type SendWire } from "./choose-wire.ts";
import { refuseQmpOptions, type QmpFlags } from "./qmp-flags.ts";
import { parseRemoteReceiver, type RemoteFlags, type RemoteReceiver } from "./remote-receiver.ts";
import { type FromFlags, refuseLiveOptions } from "./send-from-options.ts";
import { parseSessionChoices, type SessionChoices, type SessionFlags } from "./session-choices.ts";

const MOST_MACHINE_BYTES = 255;

/** What commander makes of `blkmig send …`. */
export interface SendFlags
  extends SessionFlags, RemoteFlags, TlsFlags, StateDirFlags, FromFlags, MetricsFlags, QmpFlags {
  readonly disk: readonly string[];
  readonly force: readonly string[];
  readonly wire?: string;
  readonly maxBandwidth?: string;
  readonly downtimeLimit: string;
  readonly zeroBlocks: boolean;
  readonly incremental: boolean;
  readonly listen: boolean;
  readonly allowOrigin: readonly string[];
  readonly insecure: boolean;
  readonly json: boolean;
  readonly machine?: string;
}

/** Where the receiver is, and how it is spoken with. */
export interface SendPlace {
  readonly to: WireUrl;
  readonly listen: boolean;
  /** Where it listens at a WebSocket: whose pages may receive; nobody's by default. */
  readonly allowOrigin?: readonly string[];
  readonly tls: TlsFiles | undefined;
  readonly remote: RemoteReceiver | undefined;
}

/** What `blkmig send` shall do. */
export interface SendOptions extends SendPlace, ChosenWire, StateDirOption {
  /** Clear text to another machine. */
  readonly insecure: boolean;
  readonly disks: readonly DiskArgument[];
  readonly dangers: Dangers;
  /** With `--wire 2`, and never otherwise. */
  readonly session: SessionChoices | undefined;
  /** For a QEMU: the machine type it was started with, or a beginning of it. */
  readonly machine: string;
  readonly zeroBlocks: boolean;
  readonly incremental: boolean;
  readonly maxBandwidth: number | undefined;
  /** Milliseconds. */
  readonly downtimeLimit: number;
}

export function parseSendOptions(text: string, flags: SendFlags): SendOptions {
  refuseQmpOptions(flags);
  refuseLiveOptions(flags);
  const { maxBandwidth, listen, incremental, zeroBlocks, insecure } = flags;
  const disks = parseDisks(flags.disk);
  const dangers = parseDangers(flags.force, "send");
  const downtimeLimit = parseTime(flags.downtimeLimit, "--downtime-limit");
  const to = parseAddress(text, { insecure, ssh: true });
  if (listen && !isSocket(to)) throw new CommandError("usage", `--listen: nobody can dial ${text}`);
  const chosen = chooseWire(flags.wire, to, canBeAnswered(to));
  return {
    to,
    listen,
    allowOrigin: parseOrigins(flags.allowOrigin, to, listen),
    tls: parseTlsFiles(flags, to),
    remote: parseRemoteReceiver(flags, to, disks),
    insecure,
    disks,
    dangers,
    ...chosen,
    session: parseSessionChoices(flags, chosen.wire),
    ...parseStateDir(flags),
    machine: parseMachine(flags.machine, chosen.wire),
    zeroBlocks,
    incremental,
    downtimeLimit,
    maxBandwidth: maxBandwidth === undefined ? undefined : parseBandwidth(maxBandwidth, "--max-bandwidth"),
  };
}

function parseMachine(machine: string | undefined, wire: SendWire): string {
  if (machine === undefined) return "";
  if (wire !== "qemu") throw new CommandError("usage", "--machine is for --wire qemu alone");
  if (Buffer.byteLength(machine) <= MOST_MACHINE_BYTES) return machine;
  throw new CommandError("usage", `--machine: a machine type has at most ${MOST_MACHINE_BYTES} bytes`);
}
