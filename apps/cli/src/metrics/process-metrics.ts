import { readdirSync } from "node:fs";

import { counter, type Family, gauge } from "./exposition.ts";

/** Those that Prometheus' own libraries have, by the same names, and which program this is. */
export function processFamilies(version: string): readonly Family[] {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return [
    {
      name: "blkmig_build_info",
      help: "1, for the version of blkmig.",
      type: "gauge",
      samples: [{ labels: { version, node: process.version }, value: 1 }],
    },
    counter("process_cpu_seconds_total", "CPU time spent, in seconds.", (userCPUTime + systemCPUTime) / 1e6),
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", process.memoryUsage.rss()),
    gauge("process_start_time_seconds", "Start time since the unix epoch, in seconds.", performance.timeOrigin / 1000),
    gauge("process_open_fds", "Number of open file descriptors.", openDescriptors()),
  ];
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined; // only Linux has it
  }
}
