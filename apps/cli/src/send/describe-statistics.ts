import type { DiskStatistics, Statistics } from "@blkmig/source";

import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { Fields } from "../output/json-lines.ts";
import type { Progress } from "../output/progress.ts";

/** What scripts are told while it goes on. Keys that QEMU's `query-migrate` has are called the same. */
export function statusFields(statistics: Statistics): Fields {
  const { status, phase, remaining, toVerify, dirtyRate, bandwidth, expectedDowntime, disks } = statistics;
  const { throttle, mirroring } = statistics;
  return {
    status,
    phase,
    ...totals(statistics),
    acknowledged: statistics.acknowledged,
    remaining,
    "to-verify": toVerify,
    "dirty-rate": Math.round(dirtyRate),
    bandwidth: Math.round(bandwidth),
    "expected-downtime": expectedDowntime === undefined ? undefined : Math.round(expectedDowntime),
    throttle,
    mirroring: mirroring || undefined,
    disks: disks.map(diskStatus),
  };
}

/** What scripts are told when all is there. */
export function completedFields(statistics: Statistics, proved: boolean): Fields {
  return { proved, ...totals(statistics), disks: statistics.disks.map(diskFields) };
}

function totals(statistics: Statistics): Fields {
  const { transferred, total, dirtySyncCount, totalTime, setupTime, downtime, reconnects, verified } = statistics;
  return {
    transferred,
    total,
    verified,
    reconnects,
    "dirty-sync-count": dirtySyncCount,
    "total-time": Math.round(totalTime),
    "setup-time": Math.round(setupTime),
    downtime: downtime === undefined ? undefined : Math.round(downtime),
  };
}

function diskStatus(disk: DiskStatistics): Fields {
  return { ...diskFields(disk), remaining: disk.remaining };
}

function diskFields({ name, size, dataBytes, zeroBytes, skippedBytes, equalBytes }: DiskStatistics): Fields {
  return {
    name,
    size,
    "data-bytes": dataBytes,
    "zero-bytes": zeroBytes,
    "skipped-bytes": skippedBytes,
    "equal-bytes": equalBytes,
  };
}

/** `rate` is bytes of disk per second as they pass: `bandwidth` is what could be, were there no `max-bandwidth`. */
export function progressOf(statistics: Statistics, rate: number): Progress {
  const { phase, total, remaining, toVerify, dirtySyncCount, dirtyRate, mirroring, expectedDowntime, disks } =
    statistics;
  return {
    phase,
    done: total - remaining,
    total,
    rate,
    pass: dirtySyncCount,
    dirtyRate,
    mirroring,
    expectedDowntime,
    toVerify,
    disks: disks.map((disk) => ({ name: disk.name, done: disk.size - disk.remaining, total: disk.size })),
  };
}

/** Bytes of disk that have been dealt with, resends included: they only grow. */
export function settledBytes({ disks }: Statistics): number {
  const settled = disks.map(({ dataBytes, zeroBytes, skippedBytes, equalBytes }) => {
    return dataBytes + zeroBytes + skippedBytes + equalBytes;
  });
  return settled.reduce((sum, bytes) => sum + bytes, 0);
}

/** The last lines for people. */
export function describeEnd(statistics: Statistics): readonly string[] {
  const { total, totalTime, transferred, downtime = 0, reconnects, disks } = statistics;
  const amounts = `${formatBytes(total)} of disk, ${formatBytes(transferred)} on the wire`;
  const again = reconnects > 0 ? `, connected again ${reconnects === 1 ? "once" : `${reconnects} times`}` : "";
  return [
    `completed in ${formatTime(totalTime)}: ${amounts}, downtime ${formatTime(downtime)}${again}`,
    ...disks.map(describeDisk),
  ];
}

function describeDisk({ name, dataBytes, zeroBytes, skippedBytes, equalBytes }: DiskStatistics): string {
  const skipped = skippedBytes > 0 ? `, ${formatBytes(skippedBytes)} left out` : "";
  const equal = equalBytes > 0 ? `, ${formatBytes(equalBytes)} compared and equal` : "";
  return `  '${name}': ${formatBytes(dataBytes)} of data, ${formatBytes(zeroBytes)} of zeroes${equal}${skipped}`;
}
