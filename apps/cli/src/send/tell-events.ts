import type { MigrationEvent } from "@blkmig/source";

import { formatBytes, formatTime } from "../output/format-amounts.ts";
import type { Output } from "../output/output.ts";
import { createRate } from "../output/rate.ts";
import { progressOf, settledBytes, statusFields } from "./describe-statistics.ts";

/** Whoever is told what a migration says. */
export type Told = Pick<Output, "say" | "warn" | "event" | "progress">;

/** Of a machine that moves beside its disks, bytes. */
export interface Memory {
  readonly transferred: number;
  readonly remaining: number;
  readonly total: number;
}

/** Tells both kinds of reader what a migration says while it goes on. */
export function tellTo(
  output: Told,
  memory: () => Memory | undefined = () => undefined,
): (event: MigrationEvent) => void {
  const rate = createRate(() => performance.now());
  let lastWhy: string | undefined;

  const tellReconnect = ({ why, waitMs, reconnects }: Extract<MigrationEvent, { type: "reconnect" }>): void => {
    output.event("reconnect", { connected: waitMs === undefined, why, wait: waitMs, reconnects });
    if (waitMs === undefined) output.say(`connected again: the last connection broke (${why})`);
    else if (why !== lastWhy) output.say(`no connection: ${why}; trying again in ${formatTime(waitMs)}`);
    lastWhy = waitMs === undefined ? undefined : why; // one refusal after the other says nothing new
  };

  return (event) => {
    switch (event.type) {
      case "status": {
        const speed = rate(settledBytes(event.statistics));
        return output.progress(
          { ...progressOf(event.statistics, speed), memory: memory() },
          { ...statusFields(event.statistics), ram: memory() },
        );
      }
      case "pass":
        return output.event("pass", { pass: event.pass, ...statusFields(event.statistics) });
      case "warning":
        return output.warn(event.message);
      case "reconnect":
        return tellReconnect(event);
      case "converge":
        return tellConverge(output, event);
    }
  };
}

function tellConverge(output: Told, event: Extract<MigrationEvent, { type: "converge" }>): void {
  const { step, statistics } = event;
  const limit = step === "throttle" ? event.bytesPerSecond : undefined;
  output.event("converge", { step, "bytes-per-second": limit, ...statusFields(statistics) });
  if (limit === undefined) output.say("the guest's writes are mirrored");
  else output.say(`the guest's writes are held to ${formatBytes(limit)}/s`);
}
