import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBytes } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks, parseNamed } from "../arguments/parse-disk.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { CommandError } from "../command-error.ts";

/** What commander makes of `blkmig receive …`. */
export interface ReceiveFlags {
  readonly disk: readonly string[];
  readonly size: readonly string[];
  readonly force: readonly string[];
  readonly create: boolean;
  readonly keep: boolean;
  readonly incremental: boolean;
  readonly connect: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
  readonly recogniseWithin: string;
  readonly vmState?: string;
}

/** A target, and how large its disk is: a missing one is made so, of a larger one the first bytes are used. */
export interface TargetArgument extends DiskArgument {
  readonly size: number | undefined;
}

/** What `blkmig receive` shall do. */
export interface ReceiveOptions {
  readonly at: WireUrl;
  readonly connect: boolean;
  readonly disks: readonly TargetArgument[];
  readonly dangers: Dangers;
  readonly create: boolean;
  readonly keep: boolean;
  readonly incremental: boolean;
  /** Where a QEMU's machine goes, if it is kept. */
  readonly vmState: string | undefined;
  /** How long a peer may be silent before it is taken for none of ours. Milliseconds. */
  readonly recogniseWithin: number;
}

export function parseReceiveOptions(at: string, flags: ReceiveFlags): ReceiveOptions {
  const { create, keep, incremental, connect } = flags;
  const disks = withSizes(parseDisks(flags.disk), flags);
  const dangers = parseDangers(flags.force, "receive");
  const recogniseWithin = parseTime(flags.recogniseWithin, "--recognise-within");
  const address = parseAddress(at, flags);
  if (connect && !isSocket(address)) throw new CommandError("usage", `--connect: ${at} is nobody to dial`);
  if (keep && connect) throw new CommandError("usage", "--keep goes on listening, and --connect does not listen");
  if (keep && !isSocket(address)) throw new CommandError("usage", `--keep: nobody can dial ${at} again`);
  const { vmState } = flags;
  if (keep && vmState !== undefined)
    throw new CommandError("usage", "--keep takes many migrations, and --vm-state one machine");
  return { at: address, connect, disks, dangers, create, keep, incremental, recogniseWithin, vmState };
}

function withSizes(disks: readonly DiskArgument[], { size }: ReceiveFlags): readonly TargetArgument[] {
  const sizes = new Map<string, number>();
  for (const text of size) {
    const { name, value } = parseNamed(text, "--size", "BYTES");
    if (!disks.some((disk) => disk.name === name))
      throw new CommandError("usage", `--size: no disk is called '${name}'`);
    if (sizes.has(name)) throw new CommandError("usage", `--size: two sizes for '${name}'`);
    sizes.set(name, parseSize(value, name));
  }
  return disks.map((disk) => ({ ...disk, size: sizes.get(disk.name) }));
}

function parseSize(text: string, name: string): number {
  const bytes = parseBytes(text, "--size");
  if (bytes === 0) throw new CommandError("usage", `--size: disk '${name}' would be empty`);
  if (bytes % 512 === 0) return bytes;
  throw new CommandError("refused", `--size: disk '${name}' would have ${bytes} bytes, which is no multiple of 512`);
}
