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
  /** Sent, and waiting only to be read back. */
  readonly toVerify?: number;
  /** Of the machine that moves beside the disks: bytes of memory still to be sent. */
  readonly memory?: { readonly remaining: number } | undefined;
}

/** One line: phase, percent, how much of how much, rate, time left, passes. */
export function describeProgress(progress: Progress): string {
  const { phase, done, total, rate, pass = 0, dirtyRate = 0, toVerify = 0, memory } = progress;
  const left = total - done;
  const parts = [
    `${phase} ${formatPercent(done, total)}`,
    `${formatBytes(done)} of ${formatBytes(total)}`,
    ...(rate > 0 ? [`${formatBytes(rate)}/s`] : []),
    ...(toVerify > 0 ? [`${formatBytes(toVerify)} to read back`] : []),
    ...(memory ? [`${formatBytes(memory.remaining)} of memory left`] : []),
    ...(rate > 0 && left > 0 ? [`${formatTime((left / rate) * 1000)} left`] : []),
    ...(pass > 0 ? [`pass ${pass}`] : []),
    ...(dirtyRate > 0 ? [`guest writes ${formatBytes(dirtyRate)}/s`] : []),
  ];
  return parts.join(" · ");
}
