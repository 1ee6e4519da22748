import { drawChart } from "./chart.ts";
import { pictureOf } from "./document.ts";
import type { Results, Series } from "./results.ts";
import { summarize, type Summary } from "./summary.ts";

/** The pictures of a run, by the names that its document has for them: two for each job of copies. */
export function picturesOf({ titles, series }: Results): ReadonlyMap<string, string> {
  const pictures = new Map<string, string>();
  for (const [job, title] of Object.entries(titles)) {
    const ours = series.filter((one) => one.job === job);
    if (ours.length === 0) continue;
    const what = `${job}: ${title}`;
    pictures.set(
      pictureOf(job, "seconds"),
      barsOf(`${what}, seconds`, ours, ({ seconds }) => seconds),
    );
    pictures.set(
      pictureOf(job, "cpu"),
      barsOf(`${what}, CPU seconds`, ours, ({ cpuSeconds }) => cpuSeconds),
    );
  }
  return pictures;
}

function barsOf(title: string, series: readonly Series[], figure: (summary: Summary) => number | undefined): string {
  const places = Array.from(new Set(series.map(({ place }) => place)));
  const labels = Array.from(new Set(series.map(({ program }) => program)));
  const bars = places.map((name) => {
    const summaries = summarize(series.filter(({ place }) => place === name));
    const figures = new Map(summaries.map((summary) => [summary.program, figure(summary)]));
    return { name, values: labels.map((label) => figures.get(label)) };
  });
  return drawChart({ title, labels, bars });
}
