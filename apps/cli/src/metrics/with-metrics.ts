import type { BlockDevice } from "@blkmig/device";

import type { LiveServer } from "../live/live-contract.ts";
import type { CommandWorld } from "../run-command.ts";
import { diskFamilies } from "./disk-metrics.ts";
import { formatFamilies } from "./exposition.ts";
import { listenMetrics } from "./metrics-server.ts";
import { createMigrationMetrics } from "./migration-metrics.ts";
import type { MetricsPlace } from "./parse-metrics.ts";
import { processFamilies } from "./process-metrics.ts";
import { createRequestMetrics } from "./request-metrics.ts";

/** What is measured of disks that are served. */
export interface ServingMetrics {
  /** The same device, with what its clients ask counted. */
  readonly meter: (device: BlockDevice) => BlockDevice;
  /** From now on it is asked what it serves, at each scrape. */
  watch(live: LiveServer): void;
}

/** Runs a command while metrics are told: whatever it says is noted on the way. */
export async function withMetrics(
  place: MetricsPlace,
  world: CommandWorld & { readonly version: string },
  run: (within: typeof world & { readonly metrics: ServingMetrics }) => Promise<number>,
): Promise<number> {
  const migration = createMigrationMetrics();
  const requests = createRequestMetrics();
  let live: LiveServer | undefined;
  const server = await listenMetrics(place, () =>
    formatFamilies([
      ...migration.families(),
      ...(live ? [...diskFamilies(live), ...requests.families()] : []),
      ...processFamilies(world.version),
    ]),
  );
  const metrics: ServingMetrics = {
    meter: requests.meter,
    watch(served) {
      live = served;
    },
  };
  try {
    world.output.event("metrics", { url: server.url });
    world.output.say(`metrics at ${server.url}`);
    return await run({ ...world, output: migration.watch(world.output), metrics });
  } finally {
    await server.close();
  }
}
