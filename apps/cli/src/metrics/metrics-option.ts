import type { Command } from "commander";

import type { CommandWorld } from "../run-command.ts";
import type { ServingMetrics } from "./with-metrics.ts";

export interface MetricsFlags {
  readonly metrics?: string;
  readonly insecure: boolean;
}

/** A command's world, in which something is measured if somebody asked for it. */
export type MeasuredWorld = CommandWorld & { readonly version: string; readonly metrics?: ServingMetrics };

export function addMetricsOption(command: Command): void {
  command.option("--metrics <url>", "tell Prometheus how it goes: http://127.0.0.1:9469/metrics, or unix:///path");
}

/** Runs a command; with `--metrics` measured. */
export async function measured(
  { metrics, insecure }: MetricsFlags,
  world: CommandWorld & { readonly version: string },
  run: (world: MeasuredWorld) => Promise<number>,
): Promise<number> {
  if (metrics === undefined) return run(world);
  const { parseMetrics } = await import("./parse-metrics.ts");
  const { withMetrics } = await import("./with-metrics.ts"); // no memory of it where nobody asks
  return withMetrics(parseMetrics(metrics, { insecure }), world, run);
}
