import { type BlockDevice, joinGuests, joinTrackers, trackWrites } from "@blkmig/device";
import { createMigration, type MigrationResult, type SourceWire } from "@blkmig/source";

import { writtenBy } from "./disk-content.ts";
import type { GuestWrite, Scenario } from "./scenario.ts";
import { createStandingClock } from "./standing-clock.ts";

const DOWNTIME_LIMIT_MS = 300;
/** So little that it may be left for the pause. */
const LITTLE = 32 * 1024;

/** Runs today's sending program through a scenario, over whatever `connect` gives. Rejects with its `MigrationError`. */
export function runSource(
  scenario: Scenario,
  migration: string,
  origins: readonly BlockDevice[],
  connect: () => Promise<SourceWire>,
): Promise<MigrationResult> {
  const { disks, session, guest } = scenario;
  const clock = createStandingClock();
  const cancel = new AbortController();
  const tracked = origins.map((origin) => trackWrites(origin, { granularity: session.granularity, clock }));
  const faces = tracked.map((each) => each.guest);
  let passes = 0;
  let writing = 0;
  let overruns = 0;

  const onPass = (): void => {
    if (scenario.cancelled) cancel.abort();
    const writes = guest[passes++] ?? [];
    writing += writes.length;
    for (const write of writes) void writeAs(faces[write.disk]!, write).then(() => writing--);
  };

  return createMigration({
    disks: disks.map(({ name }, index) => ({ name, device: tracked[index]!.disk })),
    session: {
      connect,
      migration,
      verify: session.verify,
      granularity: session.granularity,
      frameBytes: session.frameBytes,
      reconnectFor: 0,
      ...(session.checksums === undefined ? {} : { checksums: session.checksums }),
      ...(session.handOver === undefined ? {} : { handOver: session.handOver }),
      ...(session.resume ? { resume: { attempt: 0 } } : {}),
    },
    tracker: joinTrackers(tracked.map(({ tracker }) => tracker)),
    guest: joinGuests(tracked.map(({ control }) => control)),
    convergence: ({ bulkDone, pending }) =>
      bulkDone && !scenario.cancelled && passes >= guest.length && writing === 0 && pending <= LITTLE,
    downtimeLimit: DOWNTIME_LIMIT_MS,
    async confirm() {
      if (overruns++ >= scenario.overruns) return;
      clock.expire(DOWNTIME_LIMIT_MS);
      await new Promise(setImmediate); // it is noticed in a turn of its own
    },
    signal: cancel.signal,
    clock,
    onEvent: ({ type }) => void (type === "pass" && onPass()),
  }).run();
}

async function writeAs(face: BlockDevice, write: GuestWrite): Promise<void> {
  const data = writtenBy(write);
  if (data === "zero") await face.zero(write.offset, write.length);
  else await face.write(write.offset, [data]);
}
