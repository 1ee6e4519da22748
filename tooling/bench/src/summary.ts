import type { Series } from "./results.ts";
import { medianOf } from "./table.ts";

/** What the samples of one program at one job come to. */
export interface Summary {
  readonly program: string;
  readonly seconds: number;
  readonly least: number;
  readonly cpuSeconds?: number;
  /** The most of any round. */
  readonly peakMiB?: readonly [sender: number, receiver: number];
  /** The fewest of any round: what others did on the loopback meanwhile only adds to it. */
  readonly wireBytes?: number;
  /** Medians, of what was told beside. */
  readonly extra: Readonly<Record<string, number>>;
}

/** The program that others are compared with. */
export const YARDSTICK = "nbdcopy tcp";

/** Medians, in the order of the series. Series without a sample are left out. */
export function summarize(series: readonly Series[]): readonly Summary[] {
  return series.filter(({ samples }) => samples.length > 0).map(summaryOf);
}

function summaryOf({ program, samples }: Series): Summary {
  const seconds = samples.map((sample) => sample.seconds);
  const cpu = samples.flatMap((sample) => sample.cpuSeconds ?? []);
  const peaks = samples.flatMap(({ peakMiB }) => (peakMiB ? [peakMiB] : []));
  const bytes = samples.flatMap((sample) => sample.wireBytes ?? []);
  const names = Array.from(new Set(samples.flatMap(({ extra = {} }) => Object.keys(extra))));
  return {
    program,
    seconds: medianOf(seconds),
    least: Math.min(...seconds),
    ...(cpu.length > 0 && { cpuSeconds: medianOf(cpu) }),
    ...(peaks.length > 0 && { peakMiB: [mostOf(peaks, 0), mostOf(peaks, 1)] }),
    ...(bytes.length > 0 && { wireBytes: Math.min(...bytes) }),
    extra: Object.fromEntries(
      names.map((name) => [name, medianOf(samples.flatMap(({ extra }) => extra?.[name] ?? []))]),
    ),
  };
}

const mostOf = (peaks: readonly (readonly [number, number])[], end: 0 | 1): number =>
  Math.max(...peaks.map((peak) => peak[end]));
