import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks } from "../arguments/parse-disk.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { CommandError } from "../command-error.ts";

const MOST_MACHINE_BYTES = 255;

/** What is spoken: a classic generation, or QEMU's envelope around the newer one. */
type SendWire = "1.0" | "1.1" | "qemu";

/** What commander makes of `blkmig send …`. */
export interface SendFlags {
  readonly disk: readonly string[];
  readonly force: readonly string[];
  readonly wire: string;
  readonly maxBandwidth?: string;
  readonly downtimeLimit: string;
  readonly zeroBlocks: boolean;
  readonly incremental: boolean;
  readonly listen: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
  readonly machine?: string;
}

/** What `blkmig send` shall do. */
export interface SendOptions {
  readonly to: WireUrl;
  readonly listen: boolean;
  readonly disks: readonly DiskArgument[];
  readonly dangers: Dangers;
  readonly wire: SendWire;
  /** For a QEMU: the machine type it was started with, or a beginning of it. */
  readonly machine: string;
  readonly zeroBlocks: boolean;
  readonly incremental: boolean;
  readonly maxBandwidth: number | undefined;
  /** Milliseconds. */
  readonly downtimeLimit: number;
}

export function parseSendOptions(to: string, flags: SendFlags): SendOptions {
  const wire = parseWire(flags.wire);
  const { maxBandwidth, listen, incremental, zeroBlocks } = flags;
  const disks = parseDisks(flags.disk);
  const dangers = parseDangers(flags.force);
  const downtimeLimit = parseTime(flags.downtimeLimit, "--downtime-limit");
  const address = parseAddress(to, flags);
  if (listen && !isSocket(address)) throw new CommandError("usage", `--listen: nobody can dial ${to}`);
  return {
    to: address,
    listen,
    disks,
    dangers,
    wire,
    machine: parseMachine(flags.machine, wire),
    zeroBlocks,
    incremental,
    downtimeLimit,
    maxBandwidth: maxBandwidth === undefined ? undefined : parseBandwidth(maxBandwidth, "--max-bandwidth"),
  };
}

function parseWire(wire: string): SendWire {
  if (wire === "1.0" || wire === "1.1" || wire === "qemu") return wire;
  if (wire === "2") throw new CommandError("usage", "--wire 2 is not built yet; 1.1, 1.0 and qemu are");
  throw new CommandError("usage", `--wire: '${wire}' is no wire; they are 1.1, 1.0 and qemu`);
}

function parseMachine(machine: string | undefined, wire: SendWire): string {
  if (machine === undefined) return "";
  if (wire !== "qemu") throw new CommandError("usage", "--machine is for --wire qemu alone");
  if (Buffer.byteLength(machine) <= MOST_MACHINE_BYTES) return machine;
  throw new CommandError("usage", `--machine: a machine type has at most ${MOST_MACHINE_BYTES} bytes`);
}
