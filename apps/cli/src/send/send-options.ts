import type { ClassicGeneration } from "@blkmig/protocol";
import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks } from "../arguments/parse-disk.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { CommandError } from "../command-error.ts";

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
}

/** What `blkmig send` shall do. */
export interface SendOptions {
  readonly to: WireUrl;
  readonly listen: boolean;
  readonly disks: readonly DiskArgument[];
  readonly dangers: Dangers;
  readonly generation: ClassicGeneration;
  readonly zeroBlocks: boolean;
  readonly incremental: boolean;
  readonly maxBandwidth: number | undefined;
  /** Milliseconds. */
  readonly downtimeLimit: number;
}

export function parseSendOptions(to: string, flags: SendFlags): SendOptions {
  const generation = parseWire(flags.wire);
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
    generation,
    zeroBlocks,
    incremental,
    downtimeLimit,
    maxBandwidth: maxBandwidth === undefined ? undefined : parseBandwidth(maxBandwidth, "--max-bandwidth"),
  };
}

function parseWire(wire: string): ClassicGeneration {
  if (wire === "1.0" || wire === "1.1") return wire;
  if (wire === "2" || wire === "qemu")
    throw new CommandError("usage", `--wire ${wire} is not built yet; 1.1 and 1.0 are`);
  throw new CommandError("usage", `--wire: '${wire}' is no wire; they are 1.1 and 1.0`);
}
