import { listenControl } from "../control/control-server.ts";
import { createLiveServer } from "../live/create-live-server.ts";
import type { LiveServer } from "../live/live-contract.ts";
import type { Output, Warn } from "../output/output.ts";
import { boundYoungGeneration } from "../young-generation.ts";
import { openServed } from "./open-served.ts";
import type { ServeOptions } from "./serve-options.ts";
import { serveUntilOver, type ServeWorld } from "./serve-until-over.ts";
import { createSystemd } from "./systemd.ts";

/** Serves disks until it is interrupted, or until all have gone elsewhere. Gives the exit code, or throws what ended it. */
export async function serve(options: ServeOptions, world: ServeWorld): Promise<number> {
  const { output } = world;
  boundYoungGeneration();
  const systemd = createSystemd(process.env["NOTIFY_SOCKET"], (message) => output.warn(message));
  try {
    // First: one that is in use is another server's, with the same disks perhaps.
    const socket = options.control === undefined ? undefined : await listenControl(options.control);
    try {
      const live = await createLive(options, world);
      world.metrics?.watch(live);
      return await serveUntilOver({ live, control: options.control, socket, systemd }, world);
    } finally {
      await socket?.close();
    }
  } finally {
    await systemd.told();
  }
}

async function createLive(options: ServeOptions, { output, signal, metrics }: ServeWorld): Promise<LiveServer> {
  const warn: Warn = (message, why) => output.warn(message, why);
  const say: Output["say"] = (message, why) => output.say(message, why);
  const disks = await openServed(options, { signal, warn });
  for (const { disk } of disks) {
    if (!disk.locked) warn(`${disk.path} is not locked, so whoever else writes it is not seen`);
  }
  const { nbd, granularity, stateDir, insecure } = options;
  try {
    const meter = metrics?.meter;
    return await createLiveServer({ disks, nbd, granularity, stateDir, insecure, waiting: false, meter, say, warn });
  } catch (error) {
    await Promise.all(disks.map(({ disk }) => disk.close()));
    throw error;
  }
}
