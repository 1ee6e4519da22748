import { createMemoryDevice } from "@blkmig/device";
import { createRandom } from "@blkmig/testkit";

import type { Bound, Ended } from "./check-laws.ts";
import type { SessionDangers } from "./dangers.ts";
import { equal, fill, isAnswered } from "./disks.ts";
import { watchedDevice } from "./gauged-device.ts";
import { createGuestShadow } from "./guest-shadow.ts";
import { createLife, type Life } from "./life.ts";
import { createSchedule } from "./schedule.ts";
import { createNetwork } from "./session-network.ts";
import { createSessionRecords } from "./session-records.ts";
import { type End, runSources } from "./session-sources.ts";
import { haunt, kill, type SessionDisk, type World } from "./session-world.ts";
import { drawShape } from "./shape.ts";
import { createSinkHost } from "./sink-host.ts";
import { createStrikes } from "./strikes.ts";
import { createVolatileDevice } from "./volatile-device.ts";

const MiB = 1024 * 1024;
const SIZES = {
  sizes: [512, MiB - 512, MiB, MiB + 512, 2 * MiB + 1536, 4 * MiB],
  small: [16 * 1024, 64 * 1024, 128 * 1024 + 512],
};

/** How a simulated session ended. */
export interface SessionOutcome extends Ended {
  readonly source: End;
  /** What the records beside the disks say. */
  readonly sourceRecord: string;
  readonly sinkRecord: string;
  /** Whether the guest's writes were mirrored for a while. */
  readonly mirrored: boolean;
  readonly strikes: Readonly<Record<string, number>>;
}

/** One whole session under a writing guest; everything that could be otherwise is decided by the seed. */
export async function simulateSession(seed: number, dangers: SessionDangers = {}): Promise<SessionOutcome> {
  const random = createRandom(seed);
  const schedule = createSchedule(random);
  const world: World = {
    random,
    schedule,
    dangers,
    disks: [],
    shape: drawShape(random, SIZES),
    records: createSessionRecords(),
    violations: [],
    strikes: createStrikes(),
    seen: { mirrored: false },
    targets: { are: "ours" },
    aimed: { left: 3, cut() {}, killSource() {} },
    gauges: [],
  };
  return schedule.run(migrateOnce(world));
}

async function makeDisk({ shape, random, records, violations, dangers }: World, index: number): Promise<SessionDisk> {
  const name = `disk${index}`;
  const size = random.pick(shape.sizes);
  const memory = createMemoryDevice({ name, size });
  await fill(memory, random, shape.grain);
  const origin = watchedDevice(memory, () => {
    if (records.sink.state === "committed")
      violations.push(`law 9: ${name} was written at the source after the commit`);
  });
  const endsAt = dangers.shrinks ? 512 * random.int(size / 512) : undefined;
  const target = createVolatileDevice({ name, size, fill: 0xe5 });
  return { name, origin, target, shadow: await createGuestShadow(memory), endsAt };
}

async function migrateOnce(empty: World): Promise<SessionOutcome> {
  const { random, schedule, dangers, records, violations, strikes } = empty;
  const disks: SessionDisk[] = [];
  for (let index = 1 + random.int(3); index > 0; index--) disks.push(await makeDisk(empty, disks.length));
  const world: World = { ...empty, disks };
  const verify = random.int(3) === 0;
  const isExcused = (): boolean => !verify && Object.keys(strikes.counts).some((what) => what.startsWith("rot"));

  const sink = createSinkHost(world, isExcused);
  const network = createNetwork(world, sink);
  world.aimed.cut = () => network.cut();
  const over = createLife();
  let source: Life | undefined;
  if (dangers.cuts) void haunt(world, over, () => network.cut());
  if (dangers.halfOpen) void haunt(world, over, () => network.goSilent());
  if (dangers.sinkDies) void haunt(world, over, () => sink.die());
  const killSource = (): void => {
    if (source) kill(world, "source", source);
  };
  world.aimed.killSource = killSource;
  if (dangers.bothDie) {
    void haunt(world, over, () => {
      killSource();
      return sink.die();
    });
  }
  const onLife = (life: Life): void => {
    source = life;
  };
  const { end, guest } = await runSources(world, network, over, { sink, verify, onLife });
  const guestRuns = await isAnswered(guest, schedule.clock);
  await sink.giveUp();
  if (records.sink.state === "committed") for (const { target } of disks) await target.losePower(random);
  const same = (await Promise.all(disks.map(({ origin, target }) => equal(origin, target)))).every(Boolean);
  for (const { name, origin, shadow } of disks) {
    const bytes = Buffer.alloc(origin.size);
    await origin.read(0, bytes);
    if (!shadow.agrees(0, bytes)) violations.push(`the guest's disk: ${name} lost a write that was answered`);
  }
  return {
    simulation: "session",
    dangers,
    source: end,
    committed: records.sink.state === "committed",
    sourceRecord: records.source.state,
    sinkRecord: records.sink.state,
    same,
    isExcused: isExcused(),
    guestRuns,
    most: mostOf(world),
    violations,
    strikes: strikes.counts,
    mirrored: world.seen.mirrored,
  };
}

/** Of each bound the run that came the nearest to it, or went the furthest beyond. */
function mostOf({ gauges }: World): Record<string, Bound> {
  const most: Record<string, Bound> = {};
  for (const { what, gauge } of gauges) {
    const [known, { seen, allowed }] = [most[what], gauge.bound];
    if (!known || seen - allowed > known.seen - known.allowed) most[what] = { seen, allowed };
  }
  return most;
}
