import { mountedAt, sameDisk } from "@blkmig/device";
import { placeOfRecord, readRecord } from "@blkmig/journal";

import { CommandError } from "../command-error.ts";
import { openAnyDisk } from "../disks/open-any-disk.ts";
import type { LiveDiskParts } from "../live/live-contract.ts";
import { type RecordedSource, whyInDoubt } from "../send/recorded-sources.ts";
import { refuseRecord } from "../status/refuse-record.ts";
import { unfinishedMigration } from "../verify/unfinished-target.ts";
import type { ServeOptions } from "./serve-options.ts";

const SECTOR = 512;

export interface OpenServedWorld {
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/**
 * Opens the disks to serve, all or none; what it gives is the caller's to close. Refuses what others may write or read, and what is
 * not ours to serve; of one that has moved only the live server knows whether it can be passed on.
 */
export async function openServed(options: ServeOptions, world: OpenServedWorld): Promise<readonly LiveDiskParts[]> {
  const served: LiveDiskParts[] = [];
  try {
    for (const wanted of options.disks) {
      const parts = await openOne(wanted, options, world);
      served.push(parts);
      await assertServable(parts, options);
      assertOnce(served, parts);
    }
    return served;
  } catch (error) {
    await Promise.all(served.map(({ disk }) => disk.close()));
    throw error;
  }
}

async function openOne(
  { name, path }: ServeOptions["disks"][number],
  { readOnly, dangers, insecure, stateDir }: ServeOptions,
  world: OpenServedWorld,
): Promise<LiveDiskParts> {
  const disk = await openAnyDisk(path, { name, readOnly, force: dangers, insecure, ...world });
  try {
    const place = await placeOfRecord(disk, stateDir === undefined ? {} : { stateDir });
    return { name, disk, device: disk, place, record: await readRecord(place.path), readOnly };
  } catch (error) {
    await disk.close();
    return refuseRecord(error);
  }
}

async function assertServable(parts: LiveDiskParts, options: ServeOptions): Promise<void> {
  const why = (await whyInTheWay(parts, options)) ?? (await whyNotOurs(parts, options));
  if (why !== undefined) throw new CommandError("refused", `disk '${parts.name}': ${parts.disk.path} ${why}`);
}

/** What is mounted keeps its own picture of the disk: whoever writes beside it destroys the file system. */
async function whyInTheWay({ disk }: LiveDiskParts, options: ServeOptions): Promise<string | undefined> {
  if (disk.size % SECTOR !== 0) return `has ${disk.size} bytes, which is no multiple of ${SECTOR}`;
  if (options.dangers.mounted) return undefined;
  const mount = (await mountedAt(disk)).find(({ readOnly }) => !options.readOnly || !readOnly);
  return (
    mount && `is mounted${options.readOnly ? " for writing" : ""} at ${mount.path}: unmount it, or --force mounted`
  );
}

async function whyNotOurs(parts: LiveDiskParts, { dangers, stateDir }: ServeOptions): Promise<string | undefined> {
  const { name, disk, place, record } = parts;
  const source: RecordedSource = { name, device: disk, place, record };
  const doubt = whyInDoubt(source, "`blkmig send --resume` asks the receiver", stateDir);
  if (doubt !== undefined || dangers.incomplete) return doubt;
  const migration = await unfinishedMigration(place, record);
  return (
    migration &&
    `is the target of migration ${migration}, which is not finished: --force incomplete serves what is there`
  );
}

/** Locks do not see it where they were forced, or are none. */
function assertOnce(served: readonly LiveDiskParts[], { name, disk }: LiveDiskParts): void {
  const same = served.find((other) => other.name !== name && sameDisk(other.disk.identity, disk.identity));
  if (same)
    throw new CommandError("refused", `'${same.name}' and '${name}' are the same disk: serve it under one name`);
}
