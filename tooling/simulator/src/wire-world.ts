import { type BlockDevice, createMemoryDevice, trackWrites } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

import type { Dangers } from "./dangers.ts";
import { fill } from "./disks.ts";
import { createGuestShadow, type GuestShadow } from "./guest-shadow.ts";
import type { GuestHabits } from "./guest-writes.ts";
import { rottingDevice } from "./rotting-device.ts";
import type { Schedule } from "./schedule.ts";
import { scheduledDevice } from "./scheduled-device.ts";
import { requestsOf, type Shape, spotsOf } from "./shape.ts";
import type { Strikes } from "./strikes.ts";
import { createVolatileDevice, type VolatileDevice } from "./volatile-device.ts";

const MiB = 1024 * 1024;

export const SIZES = {
  sizes: [512, MiB - 512, MiB, MiB + 512, 2 * MiB, 2 * MiB + 1536, 4 * MiB],
  small: [64 * 1024, MiB, MiB + 4096],
};

/** What a simulated migration over a classic wire is made of. */
export interface World {
  readonly shape: Shape;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly dangers: Dangers;
  readonly strikes: Strikes;
  readonly violations: string[];
}

export interface SimulatedDisk {
  readonly name: string;
  readonly origin: BlockDevice;
  readonly target: VolatileDevice;
  readonly tracked: ReturnType<typeof trackWrites>;
  readonly shadow: GuestShadow;
}

export async function makeDisk(
  { shape, random, schedule, dangers, strikes }: World,
  index: number,
): Promise<SimulatedDisk> {
  const { turn, clock } = schedule;
  const name = `disk${index}`;
  const size = random.pick(shape.sizes);
  const cutOff = dangers.shrinks ? 512 * random.int(Math.min(4000, size / 512)) : 0;
  // No classic wire says how large a disk is: a target that is smaller, and as many blocks, cannot be told from one with padding.
  const isSeen = Math.ceil((size - cutOff) / MiB) < Math.ceil(size / MiB);
  const shrunken =
    cutOff > 0 ? random.pick(isSeen ? (["origin", "target"] as const) : (["origin"] as const)) : "neither";
  const origin = createMemoryDevice({ name, size });
  await fill(origin, random, shape.grain);
  const target = createVolatileDevice({ name, size: shrunken === "target" ? size - cutOff : size, fill: 0xe5 });
  const slow = scheduledDevice(origin, {
    turn,
    random,
    faults: dangers.faults ? 0.0025 : 0,
    writeFaults: dangers.faults ? 0.1 : 0, // its guest's: no migration ends by them
    ...(dangers.slow ? { slow: clock, slows: random.pick(["all", "changes"] as const) } : {}),
    ...(shrunken === "origin" ? { endsAt: size - cutOff } : {}),
    strikes,
    side: "source",
  });
  const tracked = trackWrites(slow, { granularity: random.pick([512, 4096, 65536, MiB]) });
  return { name, origin, target, tracked, shadow: await createGuestShadow(origin) };
}

export function targetOf(target: BlockDevice, { random, schedule, dangers, strikes }: World): BlockDevice {
  const { turn, clock } = schedule;
  const kept = dangers.rots
    ? rottingDevice(target, { random, likely: 0.1, onStrike: (what) => strikes.count(`rot: a write was ${what}`) })
    : target;
  return scheduledDevice(kept, {
    turn,
    random,
    faults: dangers.faults ? 0.01 : 0,
    ...(dangers.slow ? { slow: clock } : {}),
    ...(dangers.full ? { space: random.int(2 * target.size) } : {}),
    strikes,
    side: "target",
  });
}

export const habitsOf = ({ shape, random }: World, { size }: BlockDevice): GuestHabits => ({
  requests: requestsOf(shape, random),
  spots: spotsOf(shape, random, size),
});
