import type { Results, Series } from "./results.ts";

/** What an earlier run measured, with a later one's figures in place of those of the same jobs, places and parts. */
export function addResults(earlier: Results, later: Results): Results {
  const anew = new Set(later.series.map(key));
  const isAnew = new Set(later.micro.map(({ name }) => name));
  return {
    ...later,
    command: [...earlier.command.split("`, then `").filter((command) => command !== later.command), later.command].join(
      "`, then `",
    ),
    versions: { ...earlier.versions, ...later.versions },
    missing: later.missing,
    machine: Array.from(new Set([...earlier.machine, ...later.machine])),
    titles: { ...earlier.titles, ...later.titles },
    series: [...earlier.series.filter((one) => !anew.has(key(one))), ...later.series],
    micro: [...earlier.micro.filter(({ name }) => !isAnew.has(name)), ...later.micro],
    notes: Array.from(new Set([...earlier.notes, ...later.notes])),
  };
}

const key = ({ job, place }: Series): string => `${job} on ${place}`;
