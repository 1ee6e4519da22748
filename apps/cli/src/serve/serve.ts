import { DeviceError } from "@blkmig/device";
import type { Listener } from "@blkmig/transport";

import { createControlDesk } from "../control/control-desk.ts";
import { listenControl, serveControl } from "../control/control-server.ts";
import { type Ending, EXIT } from "../exit-code.ts";
import { aborted } from "../interruption.ts";
import { createLiveServer } from "../live/create-live-server.ts";
import type { LiveServer } from "../live/live-contract.ts";
import type { Output } from "../output/output.ts";
import type { CommandWorld } from "../run-command.ts";
import { openServed } from "./open-served.ts";
import type { ServeOptions } from "./serve-options.ts";
import { createSystemd, type Systemd } from "./systemd.ts";

export interface ServeWorld extends CommandWorld {
  readonly version: string;
}

/** Serves disks until it is interrupted, or until all have gone elsewhere. Gives the exit code, or throws what ended it. */
export async function serve(options: ServeOptions, world: ServeWorld): Promise<number> {
  const { output } = world;
  const systemd = createSystemd(process.env["NOTIFY_SOCKET"], (message) => output.warn(message));
  try {
    // First: one that is in use is another server's, with the same disks perhaps.
    const socket = options.control === undefined ? undefined : await listenControl(options.control);
    try {
      const live = await createLive(options, world);
      return await serveUntilOver({ options, live, socket, systemd }, world);
    } finally {
      await socket?.close();
    }
  } finally {
    await systemd.told();
  }
}

async function createLive(options: ServeOptions, { output, signal }: ServeWorld): Promise<LiveServer> {
  const warn = (message: string): void => output.warn(message);
  const say = (message: string): void => output.say(message);
  const disks = await openServed(options, { signal, warn });
  for (const { disk } of disks) {
    if (!disk.locked) warn(`${disk.path} is not locked, so whoever else writes it is not seen`);
  }
  const { nbd, granularity, stateDir, insecure } = options;
  try {
    return await createLiveServer({ disks, nbd, granularity, stateDir, insecure, waiting: false, say, warn });
  } catch (error) {
    await Promise.all(disks.map(({ disk }) => disk.close()));
    throw error;
  }
}

interface Served {
  readonly options: ServeOptions;
  readonly live: LiveServer;
  readonly socket: Listener | undefined;
  readonly systemd: Systemd;
}

async function serveUntilOver({ options, live, socket, systemd }: Served, world: ServeWorld): Promise<number> {
  const { output, signal, version } = world;
  const onStatus = (status: string): void => systemd.tell(`STATUS=${status}`);
  const { control = "" } = options;
  const desk = createControlDesk({ live, control, version, output, onStatus });
  const clients = socket && serveControl(socket, desk);
  tellServing(options, live, output);
  systemd.tell("READY=1", `STATUS=serving ${live.nbd.join(" ")}`);
  const why = await Promise.race([aborted(signal).then(() => "signal"), live.over.then(() => "moved")]);
  systemd.tell("STOPPING=1");
  desk.close();
  try {
    await live.close();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    output.ended(unflushed(error));
    return EXIT.failed;
  } finally {
    await clients?.close(); // only now has every migration ended, and its client an answer
  }
  output.endProgress();
  output.say(
    why === "moved" ? "every disk has moved: nothing is left to serve" : "everything is flushed, and let go of",
  );
  output.event("stopped", { why });
  return EXIT.ok;
}

/** Clients were told so too: what they have not flushed themselves may be lost. */
function unflushed({ code, message }: DeviceError): Ending {
  return {
    exitCode: EXIT.failed,
    event: "failed",
    code,
    message: `${message}: what was not flushed before may be lost`,
  };
}

function tellServing({ control, disks }: ServeOptions, live: LiveServer, output: Output): void {
  for (const url of live.nbd) output.say(`listening at ${url}`);
  if (control !== undefined) output.say(`controlled at ${control}`);
  output.event("serving", { nbd: live.nbd, control, disks: disks.map(({ name }) => name) });
}
