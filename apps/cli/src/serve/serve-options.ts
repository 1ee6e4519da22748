import type { NbdUrl } from "@blkmig/nbd";

import { parseBytes } from "../arguments/parse-bytes.ts";
import { type Dangers, parseDangers } from "../arguments/parse-dangers.ts";
import { type DiskArgument, parseDisks } from "../arguments/parse-disk.ts";
import { parseNbdAddress } from "../arguments/parse-nbd-address.ts";
import { parseStateDir, type StateDirFlags, type StateDirOption } from "../arguments/state-dir.ts";
import { CommandError } from "../command-error.ts";
import { parseControl } from "../control/parse-control.ts";
import type { MetricsFlags } from "../metrics/metrics-option.ts";

/** What commander makes of `blkmig serve …`. */
export interface ServeFlags extends StateDirFlags, MetricsFlags {
  readonly disk: readonly string[];
  readonly nbd: readonly string[];
  readonly force: readonly string[];
  readonly control?: string;
  readonly granularity: string;
  readonly readOnly: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
}

/** What `blkmig serve` shall do. */
export interface ServeOptions extends StateDirOption {
  readonly disks: readonly DiskArgument[];
  readonly nbd: readonly NbdUrl[];
  /** The path of the control socket, if there shall be one. */
  readonly control: string | undefined;
  readonly readOnly: boolean;
  /** Bytes: the grain of tracking. */
  readonly granularity: number;
  readonly dangers: Dangers;
  readonly insecure: boolean;
}

export function parseServeOptions(flags: ServeFlags): ServeOptions {
  const { control, readOnly, insecure } = flags;
  const disks = parseDisks(flags.disk);
  if (flags.nbd.length === 0)
    throw new CommandError("usage", "at least one --nbd URL is needed: nbd://127.0.0.1:10809");
  return {
    disks,
    nbd: flags.nbd.map((text) => parseNbdAddress(text, { insecure })),
    control: control === undefined ? undefined : parseControl(control, "--control"),
    readOnly,
    granularity: parseGranularity(flags.granularity),
    dangers: parseDangers(flags.force, "serve"),
    insecure,
    ...parseStateDir(flags),
  };
}

function parseGranularity(text: string): number {
  const bytes = parseBytes(text, "--granularity");
  if (bytes >= 512 && bytes <= 2 ** 20 && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new CommandError("usage", `--granularity: '${text}' is no power of two from 512 to 1M`);
}
