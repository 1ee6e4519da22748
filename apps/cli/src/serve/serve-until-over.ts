import { DeviceError } from "@blkmig/device";

import { type Ending, EXIT } from "../exit-code.ts";
import { aborted } from "../interruption.ts";
import type { LiveServer } from "../live/live-contract.ts";
import type { MeasuredWorld } from "../metrics/metrics-option.ts";
import type { Output } from "../output/output.ts";
import { answerAtControl, type AtControl, type Served } from "./at-control.ts";

export type ServeWorld = MeasuredWorld;

/**
 * Serves until it is interrupted, or until all disks have gone elsewhere; then closes the server. Gives the exit code, or throws what
 * ended it. `atControl`: where it is asked, if it is already.
 */
export async function serveUntilOver(
  served: Served,
  world: ServeWorld,
  atControl: AtControl = answerAtControl(served, world),
): Promise<number> {
  const { live, control, systemd } = served;
  const { output, signal } = world;
  tellServing(live, control, output);
  systemd.tell("READY=1", `STATUS=serving ${live.nbd.join(" ")}`);
  const why = await Promise.race([aborted(signal).then(() => "signal"), live.over.then(() => "moved")]);
  systemd.tell("STOPPING=1");
  atControl.desk.close();
  try {
    await live.close();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    output.ended(unflushed(error));
    return EXIT.failed;
  } finally {
    await atControl.close(); // only now has every migration ended, and its client an answer
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

function tellServing(live: LiveServer, control: string | undefined, output: Output): void {
  const { disks } = live.status();
  for (const url of live.nbd) output.say(`listening at ${url}`);
  if (control !== undefined) output.say(`controlled at ${control}`);
  output.event("serving", { nbd: live.nbd, control, disks: disks.map(({ name }) => name) });
}
