// A process of the demo: a disk with a guest that writes to it, moved while it writes.
//   node live-sender.js URL PATH AREA-OFFSET AREA-LENGTH
// Tells one JSON object a line on stdout: each status, each pass, then `completed` or `failed`.
import { setTimeout as wait } from "node:timers/promises";

import { openDisk, trackWrites } from "@blkmig/device";
import { createMigration, type Statistics } from "@blkmig/source";
import { connectUrl, parseWireUrl } from "@blkmig/transport/url";

import { messageOf } from "../command-error.ts";
import { checkRecords, createRecordWriter } from "./guest-records.ts";

const MiB = 1024 * 1024;
/** A loopback is too fast to see anything: so it is held to what a busy 1 Gbit/s link gives. */
const MAX_BANDWIDTH = 100 * MiB;
const DOWNTIME_LIMIT_MS = 50;
/** Milliseconds between two writes of the guest, slow enough for passes to get shorter. */
const GUEST_REST_MS = 12;

const tell = (event: string, fields: object): void =>
  void process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const [url = "", path = "", offset = "", length = ""] = process.argv.slice(2);

async function moveUnderAGuest(): Promise<void> {
  const device = await openDisk(path);
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 64 * 1024 });
  const area = { offset: Number(offset), length: Number(length) };
  const writer = createRecordWriter(guest, area, (await checkRecords(device, area)).newest);
  let guestLives = true;
  const guestAtWork = async (): Promise<void> => {
    while (guestLives) {
      await writer.writeNext();
      await wait(GUEST_REST_MS);
    }
  };
  const fields = (statistics: Statistics): object => ({ ...statistics, answered: writer.answered });

  void guestAtWork();
  while (writer.answered < 20) await wait(GUEST_REST_MS); // it was at work before anybody thought of moving it
  const wire = await connectUrl(parseWireUrl(url));
  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    wire,
    tracker,
    guest: control,
    maxBandwidth: MAX_BANDWIDTH,
    downtimeLimit: DOWNTIME_LIMIT_MS,
    onEvent(event) {
      if (event.type === "warning" || event.type === "reconnect") tell(event.type, event);
      else tell(event.type, fields(event.statistics));
    },
  });
  const { proved, statistics } = await migration.run();
  guestLives = false;
  // The guest stays paused here: its disk has moved, and the write that it was in is never answered by this host.
  tell("completed", { ...fields(statistics), proved, newest: writer.newest, slowest: writer.slowest });
}

try {
  await moveUnderAGuest();
  process.exit(0); // a paused guest waits for ever
} catch (error) {
  tell("failed", { message: messageOf(error) });
  process.exit(1);
}
