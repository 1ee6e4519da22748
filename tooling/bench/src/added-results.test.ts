import { expect, test } from "vitest";

import { addResults } from "./added-results.ts";
import type { Results } from "./results.ts";

const series = (job: string, place: string, seconds: number) => ({
  job,
  place,
  program: "blkmig",
  samples: [{ seconds }],
});

const results = (part: Partial<Results>): Results => ({
  command: "pnpm bench",
  date: "2026-01-31",
  machine: ["two cores"],
  versions: {},
  missing: [],
  rounds: 3,
  titles: {},
  series: [],
  micro: [],
  notes: [],
  ...part,
});

test("what is measured again takes the place of what was there; the rest stays", () => {
  const earlier = results({
    command: "pnpm bench --jobs dense",
    series: [series("dense", "tmpfs", 1), series("dense", "disk", 2)],
    micro: [{ name: "a hole", perSecond: 1, nanoseconds: 1 }],
  });
  const later = results({
    command: "pnpm bench --places disk",
    date: "2026-02-01",
    series: [series("dense", "disk", 3)],
  });
  expect(addResults(earlier, later)).toMatchObject({
    command: "pnpm bench --jobs dense`, then `pnpm bench --places disk",
    date: "2026-02-01",
    series: [series("dense", "tmpfs", 1), series("dense", "disk", 3)],
    micro: [{ name: "a hole" }],
    machine: ["two cores"],
  });
});
