// NBD servers side by side: `pnpm bench:nbd [--size MiB] [--rounds N]`. Every round asks each server for every load, in turn, so
// that whatever else the machine does meets all of them; what is told is the median, and its ratio to nbdkit's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { makeDisk } from "./make-disk.ts";
import { nbdLoads } from "./nbd-loads.ts";
import { nbdServers } from "./nbd-servers.ts";
import { medianOf, printTable } from "./table.ts";

const { values } = parseArgs({
  options: { size: { type: "string", default: "1024" }, rounds: { type: "string", default: "5" } },
});
const bytes = Number(values.size) * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "blkmig-bench-"));
try {
  const disk = makeDisk(join(folder, "disk.img"), bytes);
  const servers = nbdServers(folder, disk);
  const loads = nbdLoads(folder, bytes);
  const figures = new Map<string, number[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const server of servers) {
      await using running = await server.start();
      for (const load of loads) await load.run(running.url); // a server lives long: its first second is not measured
      for (const load of loads) {
        const key = `${load.name} ${server.name}`;
        figures.set(key, [...(figures.get(key) ?? []), await load.run(running.url)]);
      }
    }
    process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
  }
  printTable(
    ["load", ...servers.map(({ name }) => name), ...servers.slice(1).map(({ name }) => `nbdkit / ${name}`)],
    loads.map((load) => {
      const medians = servers.map(({ name }) => medianOf(figures.get(`${load.name} ${name}`)!));
      const ratios = medians.slice(1).map((median) => (medians[0]! / median).toFixed(2));
      return [load.name].concat(
        medians.map((median) => load.format(median)),
        ratios,
      );
    }),
  );
} finally {
  rmSync(folder, { recursive: true });
}
