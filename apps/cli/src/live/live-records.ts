import { readRecord } from "@blkmig/journal";

import type { RecordedSource } from "../send/recorded-sources.ts";
import type { LiveDiskParts } from "./live-contract.ts";

/** What is on record of them now. Throws `JournalError`. */
export async function readLiveRecords(disks: readonly LiveDiskParts[]): Promise<readonly RecordedSource[]> {
  return Promise.all(
    disks.map(async ({ name, disk, device, place }) => ({
      name,
      device: { path: disk.path, size: device.size },
      place,
      record: await readRecord(place.path),
    })),
  );
}
