import { type Part, fitParts } from "./fit-parts.ts";
import { formatBytes, formatPercent, formatTime } from "./format-amounts.ts";

/** How far a migration is, for people. Bytes of disk, and bytes of disk per second. */
export interface Progress {
  /** `bulk`, `dirty`, `switchover`: a change of it is worth a line of its own. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly rate: number;
  readonly pass?: number;
  readonly dirtyRate?: number;
  /** Whether the guest's writes go to both ends by themselves, so that passes need not keep up with them. */
  readonly mirroring?: boolean;
  /** Milliseconds that the guest would be paused for, were it now. */
  readonly expectedDowntime?: number | undefined;
  /** Sent, and waiting only to be read back. */
  readonly toVerify?: number;
  /** Of the machine that moves beside the disks: bytes of memory still to be sent. */
  readonly memory?: { readonly remaining: number } | undefined;
  /** Each disk's own share, where there may be several. */
  readonly disks?: readonly DiskProgress[];
}

export interface DiskProgress {
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

/** What a line may be made of. */
export interface LineLimits {
  readonly columns?: number;
  readonly unicode?: boolean;
}

/** Of what is sent, as much as must be won over the guest before a time that is left means anything. */
const LEAST_GAIN = 0.1;

/** One line: phase, percent, how much of how much, rate, time left, passes, and as much more as there are columns for. */
export function describeProgress(progress: Progress, { columns = Infinity, unicode = true }: LineLimits = {}): string {
  return fitParts(partsOf(progress), unicode ? " · " : " | ", columns);
}

function partsOf(progress: Progress): readonly Part[] {
  const { phase, done, total, rate, pass = 0, dirtyRate = 0, toVerify = 0, memory } = progress;
  const { expectedDowntime, mirroring = false, disks = [] } = progress;
  const left = timeLeft(progress);
  return [
    { rank: 1, text: phase },
    { rank: 0, text: formatPercent(done, total) },
    { rank: 4, text: `${formatBytes(done)} of ${formatBytes(total)}` },
    ...(rate > 0 ? [{ rank: 3, text: `${formatBytes(rate)}/s` }] : []),
    ...(toVerify > 0 ? [{ rank: 5, text: `${formatBytes(toVerify)} to read back` }] : []),
    ...(memory ? [{ rank: 5, text: `${formatBytes(memory.remaining)} of memory left` }] : []),
    ...(left === undefined ? [] : [{ rank: 2, text: left }]),
    ...(pass > 0 ? [{ rank: 7, text: `pass ${pass}` }] : []),
    ...(dirtyRate > 0 ? [{ rank: 6, text: `guest writes ${formatBytes(dirtyRate)}/s` }] : []),
    ...(mirroring ? [{ rank: 8, text: "mirrored" }] : []),
    ...(expectedDowntime !== undefined && (pass > 0 || dirtyRate > 0)
      ? [{ rank: 8, text: `pause ${formatTime(expectedDowntime)}` }]
      : []),
    ...(disks.length > 1 ? [{ rank: 9, text: disks.map(describeDisk).join(", ") }] : []),
  ];
}

/** A guest that writes as fast as is sent takes back what is won: then no number would be true. */
function timeLeft({ done, total, rate, dirtyRate = 0, mirroring = false }: Progress): string | undefined {
  const left = total - done;
  if (rate <= 0 || left <= 0) return undefined;
  const gain = mirroring ? rate : rate - dirtyRate;
  return gain < rate * LEAST_GAIN ? "not converging" : `${formatTime((left / gain) * 1000)} left`;
}

function describeDisk({ name, done, total }: DiskProgress): string {
  return `${name} ${formatPercent(done, total)}`;
}
