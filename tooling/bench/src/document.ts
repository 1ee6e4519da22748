import type { MicroFigure, Results, Series } from "./results.ts";
import { summarize, type Summary, YARDSTICK } from "./summary.ts";
import { formatTable } from "./table.ts";

const MiB = 1024 ** 2;
const NOTHING = "–";

/** What `performance.md` says of a run: Markdown, without the two comments around it. */
export function documentOf(results: Results): string {
  const { command, date, machine, versions, missing, rounds, titles, series, micro, notes } = results;
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
  const copies = Object.keys(titles).filter((job) => series.some((one) => one.job === job));
  const live = series.filter(({ job }) => !(job in titles));
  return [
    "## Copies side by side",
    `Made by \`${command}\` on ${date}. Rounds, in which each program does each job in turn: ${rounds}, and one before to warm up.`,
    list([...machine, `Versions: ${programs.join(", ")}`]),
    explanation(missing),
    ...copies.map((job) => copiesOf(job, titles[job]!, series)),
    ...(live.length > 0 ? [liveOf(live)] : []),
    ...(micro.length > 0 ? [microOf(micro)] : []),
    ...(notes.length > 0 ? ["### What was not measured", list(notes)] : []),
  ].join("\n\n");
}

/** The place and the job of a picture, as a file name. */
export const pictureOf = (job: string, measure: "seconds" | "cpu"): string => `${job}-${measure}.svg`;

function explanation(missing: readonly string[]): string {
  return [
    "Time is from the start of the sending program to the end of the copy; receivers were started before, except over pipes",
    "(`stdio`), where both start at once, and QEMU's machines, which run already. CPU seconds are user and system time of all",
    "processes of both ends, whole lives. Memory is the largest process of each end. Bytes on the wire are those of the loopback,",
    "TCP's own included, in the round with the fewest, or blkmig's own count for a unix socket and pipes. blkmig always flushes to",
    "stable storage before it says that it is done; of the others this is asked only where `--flush` is said. Every copy had its",
    "source's size, and the first of each program its bytes.",
    missing.length > 0 ? `Not installed, so left out: ${missing.join(", ")}.` : "",
  ]
    .join("\n")
    .trimEnd();
}

function copiesOf(job: string, title: string, series: readonly Series[]): string {
  const ours = series.filter((one) => one.job === job);
  const places = Array.from(new Set(ours.map(({ place }) => place)));
  return [
    `### ${job}: ${title}`,
    ...places.flatMap((place) => [
      `On ${place}:`,
      tableOf(summarize(ours.filter((one) => one.place === place))).trimEnd(),
    ]),
    `![Seconds of each program](performance/${pictureOf(job, "seconds")})`,
    `![CPU seconds of each program](performance/${pictureOf(job, "cpu")})`,
  ].join("\n\n");
}

function tableOf(summaries: readonly Summary[]): string {
  const yardstick = summaries.find(({ program }) => program === YARDSTICK);
  const heads = ["program", "median s", "min s", "× nbdcopy", "CPU s", "× nbdcopy CPU", "peak MiB", "MiB on wire"];
  return formatTable(
    heads,
    summaries.map(({ program, seconds, least, cpuSeconds, peakMiB, wireBytes }) => [
      program,
      seconds.toFixed(3),
      least.toFixed(3),
      ratio(seconds, yardstick?.seconds),
      cpuSeconds?.toFixed(3) ?? NOTHING,
      ratio(cpuSeconds, yardstick?.cpuSeconds),
      peakMiB ? peakMiB.map(Math.round).join(" / ") : NOTHING,
      wireBytes === undefined ? NOTHING : (wireBytes / MiB).toFixed(1),
    ]),
  );
}

/** Whatever was told beside the time stands in columns of its own. */
function liveOf(series: readonly Series[]): string {
  const extras = Array.from(
    new Set(series.flatMap(({ samples }) => samples.flatMap(({ extra = {} }) => Object.keys(extra)))),
  );
  const rowOf = (one: Series): readonly string[][] =>
    summarize([one]).map(({ seconds, cpuSeconds, extra }) => {
      const figures = extras.map((name) => extra[name]?.toLocaleString("en", { maximumFractionDigits: 2 }) ?? NOTHING);
      return [`${one.job}, ${one.place}: ${one.program}`, seconds.toFixed(3), cpuSeconds?.toFixed(3) ?? NOTHING].concat(
        figures,
      );
    });
  const table = formatTable(["medians", "seconds", "CPU s", ...extras], series.flatMap(rowOf)).trimEnd();
  return ["### A disk that is written meanwhile", table].join("\n\n");
}

function microOf(figures: readonly MicroFigure[]): string {
  const rows = figures.map(({ name, perSecond, nanoseconds, bytes }) => [
    name,
    Math.round(perSecond).toLocaleString("en"),
    nanoseconds.toLocaleString("en", { maximumFractionDigits: nanoseconds < 100 ? 1 : 0 }),
    bytes === undefined ? NOTHING : ((perSecond * bytes) / 1e9).toFixed(2),
  ]);
  return ["### In the small", formatTable(["what", "a second", "ns", "GB/s"], rows).trimEnd()].join("\n\n");
}

const list = (sentences: readonly string[]): string => sentences.map((sentence) => `- ${sentence}`).join("\n");

function ratio(figure: number | undefined, of: number | undefined): string {
  return figure === undefined || of === undefined ? NOTHING : (figure / of).toFixed(2);
}
