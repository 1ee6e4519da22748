import type { WorkerReport } from "./run-worker.ts";
import { targetOf } from "./targets.ts";

/** One decoder's line. */
export interface Row {
  readonly name: string;
  readonly report: WorkerReport;
}

const MiB = 1024 * 1024;
const HEADS = [
  "decoder",
  "inputs",
  "per second",
  "blocks",
  "reached",
  "longest, bytes",
  "peak, MiB",
  "grown, MiB",
] as const;

/** The table as Markdown, and below it what each decoder was seen to do. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEADS, HEADS.map(() => "---"), ...rows.map(cellsOf)].map((cells) => `| ${cells.join(" | ")} |`);
  const seen = rows.map(({ name, report }) => `- ${name}: ${statesOf(report)}`);
  return `${lines.join("\n")}\n\n${seen.join("\n")}\n`;
}

/** What the inputs should have reached, and did not. */
export function missedBy({ name, report }: Row): readonly string[] {
  return targetOf(name).mustReach.filter((what) => !report.reached.has(what));
}

function cellsOf(row: Row): readonly string[] {
  const { name, report } = row;
  const { inputs, ms, blocks, longest, peakBytes, grownBytes } = report;
  const { mustReach } = targetOf(name);
  const reached = `${mustReach.length - missedBy(row).length} of ${mustReach.length}`;
  const perSecond = Math.round((inputs / Math.max(ms, 1)) * 1000);
  return [
    report.failure ? `${name} FAILED` : name,
    ...[inputs, perSecond, blocks].map((count) => count.toLocaleString("en")),
    reached,
    longest.toLocaleString("en"),
    ...[peakBytes, grownBytes].map((bytes) => (bytes / MiB).toFixed(1)),
  ];
}

function statesOf({ reached }: WorkerReport): string {
  const most = [...reached].toSorted(([, a], [, b]) => b - a);
  return most.map(([what, times]) => `${what} ${times.toLocaleString("en")}`).join(", ");
}
