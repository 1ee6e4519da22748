// The live benchmark alone: `node src/live-main.ts [--folder FOLDER] [--rounds N] [--scale 0.25]`. Medians.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { measureLive } from "./live.ts";
import type { Series } from "./results.ts";
import { medianOf, printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: tmpdir() },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
  },
});
const COLUMNS = [
  "moved",
  "totalRatio",
  "bulkMs",
  "downtimeMs",
  "resentBytes",
  "idleRate",
  "bulkRate",
  "p99IdleMs",
  "p99Ms",
  "p99IdleServiceMs",
  "p99ServiceMs",
  "longestMs",
  "checked",
] as const;

const folder = mkdtempSync(join(values.folder, "blkmig-live-"));
try {
  const series = await measureLive({ folder, rounds: Number(values.rounds), scale: Number(values.scale) });
  printTable(["job", "place", "program", "seconds", ...COLUMNS], series.map(rowOf));
} finally {
  rmSync(folder, { recursive: true });
}

function rowOf({ job, place, program, samples }: Series): readonly string[] {
  const seconds = medianOf(samples.map((sample) => sample.seconds));
  const extras = COLUMNS.map((name) => medianOf(samples.flatMap(({ extra }) => extra?.[name] ?? [])));
  const told = extras.map((figure) =>
    Number.isNaN(figure) ? "-" : figure >= 1e6 ? `${(figure / 1e6).toFixed(1)}M` : figure.toFixed(1),
  );
  return [job, place, program, seconds.toFixed(2)].concat(told);
}
