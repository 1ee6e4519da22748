import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { DemoEvent } from "./demo-processes.ts";
import { RECORD_BYTES } from "./guest-records.ts";

/** A pass that has ended. */
export function describePass(pass: DemoEvent): string {
  const passes = Number(pass["dirtySyncCount"]);
  const sent = `${formatBytes(Number(pass["transferred"]))} sent so far`;
  const dirtied = `the guest has dirtied ${formatBytes(Number(pass["remaining"]))} meanwhile`;
  return `${passes === 1 ? "bulk" : `pass ${passes - 1}`} done: ${sent}; ${dirtied}`;
}

/** How it ended. `data`: bytes that the disk held at first. */
export function describeMove(end: DemoEvent, data: number): readonly string[] {
  const number = (key: string): number => Number(end[key] ?? 0);
  const [disk] = end["disks"] as readonly Readonly<Record<string, number>>[];
  const resent = Math.max(0, (disk?.["dataBytes"] ?? 0) - data);
  const written = formatBytes(number("answered") * RECORD_BYTES);
  return [
    `  committed and proved by the receiver in ${formatTime(number("totalTime"))}, every byte read back and compared`,
    `  downtime ${formatTime(number("downtime"))}, the receiver's flush included; connected again ${number("reconnects")} times`,
    `  ${formatBytes(number("transferred"))} on the wire; of it lost in the cuts, or written by the guest meanwhile: ${formatBytes(resent)}`,
    `  compared by hash, found equal and not sent again: ${formatBytes(disk?.["equalBytes"] ?? 0)}`,
    `  the guest wrote ${number("answered")} records (${written}); its slowest write took ${formatTime(number("slowest"))}`,
  ];
}
