import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";

import { identifyDisk } from "@blkmig/device";
import { placeOfRecord, readRecord, type RecordPlace, type SourceRecord, type TargetRecord } from "@blkmig/journal";
import type { ChosenQemuDisk, QemuDisk } from "@blkmig/qemu";

import type { StateDirOption } from "../arguments/state-dir.ts";
import { CommandError } from "../command-error.ts";
import type { RecordedSource } from "../send/recorded-sources.ts";

export interface QemuRecordsOptions extends StateDirOption {
  /** The monitor's URL. */
  readonly url: string;
}

type Storage = NonNullable<QemuDisk["storage"]>;

/** What is on record of disks that are sent. Only reads; warns of what will be on record where nobody else looks. Throws `JournalError`, and `CommandError` `refused` for a record that would not be found again. */
export async function readChosenRecords(
  disks: readonly ChosenQemuDisk[],
  options: QemuRecordsOptions,
  warn: (message: string) => void,
): Promise<readonly RecordedSource[]> {
  const recorded: RecordedSource[] = [];
  for (const { name, disk } of disks) {
    if (!disk.storage)
      throw new CommandError("refused", `disk '${name}' is an empty drive: name with --disk those that are not`);
    await assertFindable(name, disk, disk.storage, options);
    const place = await placeOfQemuDisk(disk, disk.storage, options);
    await warnIfUnseen(name, disk.storage, warn);
    const device = { path: disk.storage.filename, size: disk.size };
    recorded.push({ name, device, place, record: await readRecord(place.path), monitor: options.url });
  }
  return recorded;
}

export interface FoundRecord {
  readonly place: RecordPlace;
  readonly record: SourceRecord | TargetRecord;
}

/** All that is on record of a QEMU's disks, whatever is asked of them: a record that cannot be read says nothing. */
export async function readQemuRecords(
  disks: readonly QemuDisk[],
  options: QemuRecordsOptions,
): Promise<readonly FoundRecord[]> {
  const stored = disks.flatMap((disk) => (disk.storage ? [{ disk, storage: disk.storage }] : []));
  const records = await Promise.all(
    stored.map(async ({ disk, storage }) => {
      const place = await placeOfQemuDisk(disk, storage, options);
      const record = await readRecord(place.path).catch(() => undefined);
      return record && { place, record };
    }),
  );
  return records.filter((found) => found !== undefined);
}

/** Where what is on record of a disk is, or would be. `storage` is the disk's own. */
export async function placeOfQemuDisk(
  disk: QemuDisk,
  storage: Storage,
  { url, ...stateDir }: QemuRecordsOptions,
): Promise<RecordPlace> {
  const { filename: path, bytes: size } = storage;
  const kind = await kindOf(path);
  if (kind) return placeOfRecord({ path, kind, identity: await identifyDisk(path), size }, stateDir);
  // Which folder a relative path is in is known to QEMU alone: another QEMU's disk may be called the same.
  const identity = { url: isUrl(path) ? path : `${url} ${path}` };
  return placeOfRecord({ path, kind: "nbd", identity, size: disk.size }, stateDir);
}

/** In a folder of their own records are found by a disk's size, too. */
async function assertFindable(
  name: string,
  disk: QemuDisk,
  { filename }: Storage,
  options: QemuRecordsOptions,
): Promise<void> {
  if (options.stateDir === undefined || disk.format === "raw" || (await kindOf(filename)) !== "file") return;
  const why = `${filename} grows with what the guest writes, so its record would not be found again`;
  throw new CommandError("refused", `disk '${name}': --state-dir: ${why}: leave that out, and it is beside the file`);
}

/** A file that is begun to be sent by its path, once it has moved, is refused only if the path leads to the record. */
async function warnIfUnseen(name: string, { filename }: Storage, warn: (message: string) => void): Promise<void> {
  if (isUrl(filename) || (await kindOf(filename))) return;
  const what = isAbsolute(filename) ? "is not to be seen from here" : "is a path in a folder that QEMU alone knows";
  warn(
    `disk '${name}': ${filename} ${what}: that it moves is on record in the state directory only, and not beside it`,
  );
}

const isUrl = (filename: string): boolean => /^[a-z+]+:\/\//u.test(filename);

/** Undefined for what is no file and no block device of this machine. */
async function kindOf(filename: string): Promise<"file" | "block" | undefined> {
  if (!isAbsolute(filename)) return undefined;
  const stats = await stat(filename).catch(() => undefined); // where QEMU sees one there may be none for us
  if (stats?.isFile()) return "file";
  return stats?.isBlockDevice() ? "block" : undefined;
}
