import { JournalError, type RecordPlace, withheldBlock } from "@blkmig/journal";
import { findLeftovers, type Leftover, listQemuDisks, type QemuDisk, type QemuVersion, type Qmp } from "@blkmig/qemu";
import * as v from "valibot";

import { placeOfQemuDisk } from "../qmp/qemu-records.ts";
import { recordAt, type RecordedDisk } from "./recorded-disk.ts";

/** What can be seen of a QEMU, its disks, and what is ours in it. */
export interface SeenQemu {
  /** Of its monitor. */
  readonly url: string;
  readonly version: QemuVersion;
  /** In QEMU's words: `running`, `paused`, `postmigrate` … */
  readonly status: string;
  /** What `-name` says. */
  readonly name: string | undefined;
  readonly disks: readonly SeenQemuDisk[];
  readonly leftovers: readonly Leftover[];
}

export interface SeenQemuDisk {
  readonly disk: QemuDisk;
  /** Undefined for an empty drive. */
  readonly recorded: RecordedDisk | undefined;
}

const STATUS = v.looseObject({ status: v.string() });
const NAME = v.looseObject({ name: v.exactOptional(v.string()) });

/** Only asks. Throws `QemuError`. */
export async function lookAtQemu(qmp: Qmp, stateDir: string | undefined): Promise<SeenQemu> {
  const { url, version } = qmp;
  const { status } = v.parse(STATUS, await qmp.execute("query-status"));
  const { name } = v.parse(NAME, await qmp.execute("query-name"));
  const listed = await listQemuDisks(qmp);
  const disks = await Promise.all(
    listed.map(async (disk) => ({ disk, recorded: await lookAtRecord(disk, url, stateDir) })),
  );
  return { url, version, status, name, disks, leftovers: await findLeftovers(qmp) };
}

async function lookAtRecord(
  disk: QemuDisk,
  monitor: string,
  stateDir: string | undefined,
): Promise<RecordedDisk | undefined> {
  const { storage, size } = disk;
  if (!storage) return undefined;
  const place = await placeOfQemuDisk(disk, storage, { url: monitor, ...(stateDir === undefined ? {} : { stateDir }) });
  // What the disk holds is not looked for: that is its guest's business.
  return { path: storage.filename, size, place, ...(await readAt(place)), signature: undefined, monitor };
}

/** A record that cannot be read hides neither the other disks nor what is left in QEMU. */
async function readAt(place: RecordPlace): Promise<Pick<RecordedDisk, "record" | "isFirstBlockWithheld">> {
  try {
    const record = await recordAt(place);
    return { record, isFirstBlockWithheld: (await withheldBlock(place).load()) !== undefined };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return { record: { why: "unreadable", message: error.message }, isFirstBlockWithheld: false };
  }
}
