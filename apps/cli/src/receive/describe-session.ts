import type { SinkSession, SinkSessionProgress, SinkSessionResult } from "@blkmig/sink";

import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { Fields } from "../output/json-lines.ts";
import type { Progress } from "../output/progress.ts";
import { diskProgress } from "./describe-progress.ts";

type Phase = "bulk" | "dirty" | "switchover";

/** Where a session is, as far as its receiver can tell. */
function phaseOf({ state }: SinkSession, { covered, total }: SinkSessionProgress): Phase {
  if (state === "sealed" || state === "committed") return "switchover";
  return covered < total ? "bulk" : "dirty";
}

/** What people see. `rate` is bytes of disk per second. */
export function sessionProgressOf(session: SinkSession, rate: number): Progress {
  const progress = session.progress();
  const { covered, total, disks } = progress;
  return { phase: phaseOf(session, progress), done: covered, total, rate, disks: disks.map(diskProgress) };
}

/** What scripts are told while it goes on. */
export function sessionStatus(session: SinkSession, rate: number): Fields {
  const progress = session.progress();
  const phase = phaseOf(session, progress);
  return {
    status: phase === "switchover" ? "device" : "active",
    phase,
    migration: session.migration,
    transferred: progress.transferred,
    remaining: progress.total - progress.covered,
    total: progress.total,
    bandwidth: Math.round(rate),
    disks: progress.disks.map(diskStatus),
  };
}

/** What scripts are told when it is committed: it is proved, since it was proved here. */
export function sessionCompleted(result: SinkSessionResult, totalTime: number): Fields {
  const { migration, attempt, verified, checksums, told, transferred, total, disks } = result;
  return {
    migration,
    attempt,
    proved: true,
    verified,
    checksums,
    answered: told,
    transferred,
    total,
    "total-time": Math.round(totalTime),
    disks: disks.map(diskFields),
  };
}

function diskStatus(disk: SinkSessionProgress["disks"][number]): Fields {
  return { ...diskFields(disk), remaining: disk.size - disk.covered };
}

function diskFields({ name, size, dataBytes, zeroBytes, equalBytes }: SinkSessionProgress["disks"][number]): Fields {
  return { name, size, "data-bytes": dataBytes, "zero-bytes": zeroBytes, "equal-bytes": equalBytes };
}

/** The last lines for people. */
export function describeSessionEnd(result: SinkSessionResult, totalTime: number): readonly string[] {
  const { transferred, total, disks, verified, checksums, migration } = result;
  const how = `${verified ? "read back and equal" : "not read back"}${checksums ? "" : ", sent without checksums"}`;
  return [
    `completed in ${formatTime(totalTime)}: ${formatBytes(total)} of disk, ${formatBytes(transferred)} on the wire, ${how} (migration ${migration})`,
    ...disks.map(({ name, dataBytes, zeroBytes, equalBytes }) => {
      const was = equalBytes > 0 ? `, ${formatBytes(equalBytes)} compared and equal` : "";
      return `  '${name}': ${formatBytes(dataBytes)} of data, ${formatBytes(zeroBytes)} of zeroes${was}`;
    }),
  ];
}
