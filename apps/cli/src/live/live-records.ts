import { readRecord } from "@blkmig/journal";

import type { StateDirOption } from "../arguments/state-dir.ts";
import { assertOwnedHere, assertRecordable, type RecordedSource } from "../send/recorded-sources.ts";
import type { LiveDisk } from "./live-disk.ts";

/** That it serves the target of an unfinished migration its operator has taken on when the server began. */
const DANGERS = {
  inUse: false,
  mounted: false,
  filesystem: false,
  incomplete: true,
  sectorSize: false,
  moved: false,
};

/**
 * What is on record of them now. Throws `JournalError`, and `CommandError` `refused` for a disk that is not ours to move, or whose
 * commit could not be recorded in the end.
 */
export async function readMovable(
  disks: readonly LiveDisk[],
  { resume, ...stateDir }: StateDirOption & { readonly resume: boolean },
): Promise<readonly RecordedSource[]> {
  const recorded = await Promise.all(
    disks.map(async ({ name, parts: { disk, device, place } }) => ({
      name,
      device: { path: disk.path, size: device.size },
      place,
      record: await readRecord(place.path),
    })),
  );
  await assertOwnedHere(recorded, { dangers: DANGERS, mayAsk: resume, ...stateDir });
  await assertRecordable(recorded);
  return recorded;
}
