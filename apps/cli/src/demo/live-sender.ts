// A process of the demo: a disk with a guest that writes to it, moved while it writes.
//   node live-sender.js URL PATH AREA-OFFSET AREA-LENGTH
// Tells one JSON object a line on stdout: each status, each pass, each connection, then `completed` or `failed`. The migration
// ends no sooner than its standard input does: until then there is more to be shown.
import { setTimeout as wait } from "node:timers/promises";

import { openDisk, trackWrites } from "@blkmig/device";
import { openSourceJournal, placeOfRecord } from "@blkmig/journal";
import { convergesByPending, createMigration, type MigrationEvent, type Statistics } from "@blkmig/source";
import { connectUrl, parseWireUrl } from "@blkmig/transport/url";

import { messageOf } from "../command-error.ts";
import { leave } from "../leave.ts";
import { checkRecords, createRecordWriter } from "./guest-records.ts";

const MiB = 1024 * 1024;
/** A loopback is too fast to see anything: so it is held to half of what a 1 Gbit/s link gives. */
const MAX_BANDWIDTH = 60 * MiB;
const DOWNTIME_LIMIT_MS = 300;
/** Milliseconds between two writes of the guest, slow enough for passes to get shorter. */
const GUEST_REST_MS = 10;

const tell = (event: string, fields: object): void =>
  void process.stdout.write(`${JSON.stringify({ ...fields, event })}\n`);

const [url = "", path = "", offset = "", length = ""] = process.argv.slice(2);

async function moveUnderAGuest(): Promise<void> {
  const device = await openDisk(path);
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 64 * 1024 });
  const area = { offset: Number(offset), length: Number(length) };
  const writer = createRecordWriter(guest, area, (await checkRecords(device, area)).newest);
  const record = await placeOfRecord(device);
  const { journal } = await openSourceJournal([{ name: "vda", size: device.size, record }]);
  let mayEnd = false;
  process.stdin.resume().on("end", () => (mayEnd = true));
  let guestLives = true;
  const guestAtWork = async (): Promise<void> => {
    while (guestLives) {
      await writer.writeNext();
      await wait(GUEST_REST_MS);
    }
  };
  const fields = (statistics: Statistics): object => ({ ...statistics, answered: writer.answered });
  const onEvent = (event: MigrationEvent): void => {
    if (event.type === "warning" || event.type === "reconnect") tell(event.type, event);
    else tell(event.type, fields(event.statistics));
  };

  /** Passes that wait for something to be shown would otherwise follow each other without a pause. */
  const syncUnhurried = async () => {
    if (!mayEnd) await wait(GUEST_REST_MS);
    return tracker.sync();
  };

  void guestAtWork();
  while (writer.answered < 20) await wait(GUEST_REST_MS); // it was at work before anybody thought of moving it
  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    session: { connect: (signal) => connectUrl(parseWireUrl(url), { signal }), journal, verify: true },
    tracker: { ...tracker, sync: syncUnhurried },
    guest: control,
    maxBandwidth: MAX_BANDWIDTH,
    downtimeLimit: DOWNTIME_LIMIT_MS,
    convergence: (view) => mayEnd && convergesByPending(view),
    onEvent,
  });
  const { proved, statistics } = await migration.run();
  guestLives = false;
  // The guest stays paused here: its disk has moved, and the write that it was in is never answered by this host.
  tell("completed", { ...fields(statistics), proved, newest: writer.newest, slowest: writer.slowest });
}

try {
  await moveUnderAGuest();
} catch (error) {
  tell("failed", { message: messageOf(error) });
  process.exitCode = 1;
}
leave();
