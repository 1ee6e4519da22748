import type { BlockDevice } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

import type { SessionDangers } from "./dangers.ts";
import type { Gauge } from "./gauged-device.ts";
import type { GuestShadow } from "./guest-shadow.ts";
import type { Life } from "./life.ts";
import type { Schedule } from "./schedule.ts";
import type { createSessionRecords } from "./session-records.ts";
import type { Shape } from "./shape.ts";
import type { Strikes } from "./strikes.ts";
import type { VolatileDevice } from "./volatile-device.ts";

export interface SessionDisk {
  readonly name: string;
  readonly origin: BlockDevice;
  readonly target: VolatileDevice;
  readonly shadow: GuestShadow;
  /** The byte at which the source's file ends, if somebody has truncated it. */
  readonly endsAt: number | undefined;
}

/** What outlives the programs of a simulated session. */
export interface World {
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly shape: Shape;
  readonly dangers: SessionDangers;
  readonly disks: readonly SessionDisk[];
  readonly records: ReturnType<typeof createSessionRecords>;
  readonly violations: string[];
  readonly strikes: Strikes;
  readonly seen: { mirrored: boolean };
  /** Whose the targets are: handed over, they are another program's, which may have changed them. */
  readonly targets: { are: "ours" | "handed over" };
  /** Cuts and deaths that strike when it matters the most, while something is recorded or mirrored: how many are left. */
  readonly aimed: { left: number; cut: () => void; killSource: () => void };
  /** Of every program that ran: what it had at once, and what it was allowed. */
  readonly gauges: { readonly what: string; readonly gauge: Gauge }[];
}

/** Strikes a few times, after random waits, as long as the migration goes on. */
export async function haunt(
  { random, schedule }: World,
  over: Life,
  strike: () => void | Promise<void>,
): Promise<void> {
  for (let times = 1 + random.int(3); times > 0; times--) {
    for (let turns = random.int(300); turns > 0; turns--) await schedule.turn();
    if (over.alive) await strike();
  }
}

/** It is killed, and what it waited for at that instant never comes. */
export function kill({ strikes }: World, who: "source" | "sink", life: Life): void {
  if (!life.alive) return;
  strikes.count(`${who}: killed`);
  for (const what of life.waitsFor) strikes.count(`${who}: killed while it waited for ${what}`);
  life.kill();
}
