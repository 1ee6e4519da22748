import type { LoadEvent, LoadProgress, LoadResult } from "@blkmig/sink";

import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { Fields } from "../output/json-lines.ts";
import type { DiskProgress, Progress } from "../output/progress.ts";

/** Where a load is, as far as the stream tells: bulk until every block is there. */
function phaseOf(event: LoadEvent): "bulk" | "dirty" | "switchover" {
  if (event.type === "flushing") return "switchover";
  return event.progress.covered < event.progress.total ? "bulk" : "dirty";
}

/** What people see. `rate` is bytes of disk per second. */
export function progressOf(event: LoadEvent, rate: number): Progress {
  const { covered, total, disks } = event.progress;
  return { phase: phaseOf(event), done: covered, total, rate, disks: disks.map(diskProgress) };
}

/** What scripts are told while it goes on. */
export function statusFields(event: LoadEvent, rate: number): Fields {
  const { progress } = event;
  return {
    status: event.type === "flushing" ? "device" : "active",
    phase: phaseOf(event),
    transferred: progress.transferred,
    remaining: progress.total - progress.covered,
    total: progress.total,
    bandwidth: Math.round(rate),
    disks: progress.disks.map(diskStatus),
  };
}

/** What scripts are told when all is there: it is proved, since it was proved here. */
export function completedFields({ transferred, total, disks, answered }: LoadResult, totalTime: number): Fields {
  return {
    proved: true,
    answered,
    transferred,
    total,
    "total-time": Math.round(totalTime),
    disks: disks.map(diskFields),
  };
}

/** How far one disk is, for people. */
export function diskProgress({
  name,
  covered,
  size,
}: Pick<LoadProgress["disks"][number], "name" | "covered" | "size">): DiskProgress {
  return { name, done: covered, total: size };
}

function diskStatus(disk: LoadProgress["disks"][number]): Fields {
  return { ...diskFields(disk), remaining: disk.size - disk.covered };
}

function diskFields({ name, size, dataBytes, zeroBytes }: LoadProgress["disks"][number]): Fields {
  return { name, size, "data-bytes": dataBytes, "zero-bytes": zeroBytes };
}

/** The last lines for people. */
export function describeEnd({ transferred, total, disks }: LoadResult, totalTime: number): readonly string[] {
  return [
    `completed in ${formatTime(totalTime)}: ${formatBytes(total)} of disk, ${formatBytes(transferred)} on the wire`,
    ...disks.map(
      ({ name, dataBytes, zeroBytes }) =>
        `  '${name}': ${formatBytes(dataBytes)} of data, ${formatBytes(zeroBytes)} of zeroes`,
    ),
  ];
}
