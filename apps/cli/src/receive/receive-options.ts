import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBytes } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks, parseNamed } from "../arguments/parse-disk.ts";
import { parseNbdAddress } from "../arguments/parse-nbd-address.ts";
import { parseOrigins } from "../arguments/parse-origin.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { parseStateDir, type StateDirFlags, type StateDirOption } from "../arguments/state-dir.ts";
import { isEncrypted, parseTlsFiles, type TlsFiles, type TlsFlags } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import { parseControl } from "../control/parse-control.ts";
import type { MetricsFlags } from "../metrics/metrics-option.ts";
import type { ServingOptions } from "./serving.ts";

const RECONNECT_FOR = "5m";

/** What commander makes of `blkmig receive …`. */
export interface ReceiveFlags extends TlsFlags, StateDirFlags, MetricsFlags {
  readonly disk: readonly string[];
  readonly size: readonly string[];
  readonly force: readonly string[];
  readonly allowOrigin: readonly string[];
  readonly create: boolean;
  readonly resume: boolean;
  readonly keep: boolean;
  readonly pair: boolean;
  readonly incremental: boolean;
  readonly connect: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
  readonly recogniseWithin: string;
  readonly reconnectFor?: string;
  readonly vmState?: string;
  readonly nbd: readonly string[];
  readonly control?: string;
}

/** A target, and how large its disk is: a missing one is made so, of a larger one the first bytes are used. */
export interface TargetArgument extends DiskArgument {
  readonly size: number | undefined;
}

/** What encrypts the wire: files that were said, or a token that is made for one sender. */
type ReceiveKeys = TlsFiles | { readonly by: "pairing" };

/** What `blkmig receive` shall do. */
export interface ReceiveOptions {
  readonly at: WireUrl;
  /** Clear text to another machine. */
  readonly insecure: boolean;
  readonly connect: boolean;
  readonly keys: ReceiveKeys | undefined;
  /** Whose pages may connect, over a WebSocket. */
  readonly allowOrigin: readonly string[];
  readonly disks: readonly TargetArgument[];
  readonly dangers: Dangers;
  readonly create: boolean;
  readonly resume: boolean;
  readonly keep: boolean;
  readonly incremental: boolean;
  readonly stateDir: StateDirOption;
  /** Where a QEMU's machine goes, if it is kept. */
  readonly vmState: string | undefined;
  /** Where the disks are served once they are committed, if they are. */
  readonly serving: ServingOptions | undefined;
  /** How long a peer may be silent before it is taken for none of ours. Milliseconds. */
  readonly recogniseWithin: number;
  /** How long a sender whose connection broke is waited for. Milliseconds. */
  readonly reconnectFor: number;
}

export function parseReceiveOptions(at: string, flags: ReceiveFlags): ReceiveOptions {
  const { create, resume, keep, incremental, connect, vmState, insecure } = flags;
  const disks = withSizes(parseDisks(flags.disk), flags);
  const dangers = parseDangers(flags.force, "receive");
  const recogniseWithin = parseTime(flags.recogniseWithin, "--recognise-within");
  const reconnectFor = parseTime(flags.reconnectFor ?? RECONNECT_FOR, "--reconnect-for");
  const address = parseAddress(at, flags);
  assertFitTogether(at, address, flags);
  return {
    at: address,
    insecure,
    connect,
    keys: parseKeys(flags, address),
    allowOrigin: parseOrigins(flags.allowOrigin, address, !connect),
    disks,
    dangers,
    create,
    resume,
    keep,
    incremental,
    stateDir: parseStateDir(flags),
    vmState,
    serving: parseServing(flags),
    recogniseWithin,
    reconnectFor,
  };
}

function parseServing(flags: ReceiveFlags): ServingOptions | undefined {
  const { nbd, control, insecure } = flags;
  refuseIf(nbd.length === 0 && control !== undefined, "--control is for disks that are served: say --nbd");
  if (nbd.length === 0) return undefined;
  return {
    nbd: nbd.map((url) => parseNbdAddress(url, flags)),
    control: control === undefined ? undefined : parseControl(control, "--control"),
    insecure,
    stateDir: parseStateDir(flags).stateDir,
  };
}

/** Whoever says an option expects it to do something. */
function assertFitTogether(at: string, address: WireUrl, flags: ReceiveFlags): void {
  const { connect, keep, resume, vmState } = flags;
  refuseIf(connect && !isSocket(address), `--connect: ${at} is nobody to dial`);
  refuseIf(keep && connect, "--keep goes on listening, and --connect does not listen");
  refuseIf(keep && !isSocket(address), `--keep: nobody can dial ${at} again`);
  refuseIf(keep && flags.nbd.length > 0, "--keep takes many migrations, and --nbd serves the disks of one");
  refuseIf(keep && vmState !== undefined, "--keep takes many migrations, and --vm-state one machine");
  refuseIf(flags.reconnectFor !== undefined && !isSocket(address), `--reconnect-for: nobody comes back to ${at}`);
  refuseIf(resume && address.kind === "file", "--resume: a stream kept in a file cannot be resumed");
  refuseIf(resume && vmState !== undefined, "--resume is for sessions of blkmig, and --vm-state for a QEMU");
}

function refuseIf(isSo: boolean, message: string): void {
  if (isSo) throw new CommandError("usage", message);
}

function parseKeys(flags: ReceiveFlags, address: WireUrl): ReceiveKeys | undefined {
  if (!flags.pair) return parseTlsFiles(flags, address);
  const { tokenFile, tlsCert, tlsKey, tlsCa, keep, connect } = flags;
  if (!isEncrypted(address))
    throw new CommandError("usage", `--pair: ${address.kind}: is in clear text; say tls: or wss:`);
  if ([tokenFile, tlsCert, tlsKey, tlsCa].some((file) => file !== undefined)) {
    throw new CommandError("usage", "--pair makes a token by itself, so no key is said with it");
  }
  if (keep) throw new CommandError("usage", "--pair makes a token for one migration, and --keep takes many");
  if (connect) throw new CommandError("usage", "--pair tells the sender where to dial, and --connect dials it");
  return { by: "pairing" };
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
