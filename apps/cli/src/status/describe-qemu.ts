import type { QemuDisk, QemuVersion } from "@blkmig/qemu";

import { formatBytes } from "../output/format-amounts.ts";
import type { Fields } from "../output/json-lines.ts";
import { describeLeftover } from "./describe-leftover.ts";
import { describeSource } from "./describe-source.ts";
import type { SeenQemu, SeenQemuDisk } from "./look-at-qemu.ts";
import { recordsOf } from "./records-of-qemu.ts";

export interface QemuAnswer {
  /** Of the event. What is undefined is left out. */
  readonly fields: Fields;
  /** Sentences for people: of the machine and its disks. */
  readonly machine: readonly string[];
  /** What is ours in it. */
  readonly ours: readonly string[];
  /** What to do about it: each said once, however many disks it is said of. */
  readonly advice: readonly string[];
}

/** What a QEMU is and has: itself, its disks, and whatever migrations of ours have in it. */
export function describeQemu(seen: SeenQemu, stateDir: string | undefined): QemuAnswer {
  const { url, version, status, name } = seen;
  const disks = seen.disks.map((disk) => describeDisk(disk, stateDir));
  const migrations = seen.leftovers.map((one) => describeLeftover(one, { url, records: recordsOf(seen), stateDir }));
  const called = name === undefined ? "" : `, called '${name}'`;
  return {
    fields: {
      url,
      version: formatVersion(version),
      package: version.package === "" ? undefined : version.package,
      status,
      name,
      disks: disks.map(({ fields }) => fields),
      migrations: migrations.map(({ fields }) => fields),
    },
    machine: [
      `${url}: QEMU ${formatVersion(version)}, ${status}${called}`,
      ...disks.flatMap(({ line, onRecord: [first] }) => (first === undefined ? [line] : [line, `  ${first}`])),
    ],
    ours: migrations.length === 0 ? [NOTHING_OURS] : migrations.flatMap(({ lines: [first = ""] }) => [first]),
    advice: [
      ...new Set([
        ...disks.flatMap(({ onRecord }) => onRecord.slice(1)),
        ...migrations.flatMap(({ lines }) => lines.slice(1)),
      ]),
    ],
  };
}

function formatVersion({ major, minor, micro }: QemuVersion): string {
  return `${major}.${minor}.${micro}`;
}

interface DiskAnswer {
  readonly fields: Fields;
  readonly line: string;
  /** Nothing where no migration has had it. */
  readonly onRecord: readonly string[];
}

function describeDisk({ disk, recorded }: SeenQemuDisk, stateDir: string | undefined): DiskAnswer {
  const { ids, qdev, node, size, format, backingDepth, storage, unfit } = disk;
  const record = recorded && describeSource(recorded, stateDir);
  const unfitness = unfit && { unfit: unfit.how, why: unfit.why };
  const where = storage && { path: storage.filename, driver: storage.driver };
  return {
    fields: { ids, qdev, node, size, format, "backing-depth": backingDepth, ...where, ...unfitness, ...record?.fields },
    line: describeForPeople(disk, record?.fields["state"] === "moved" || record?.fields["state"] === "asked"),
    onRecord: record === undefined || recorded?.record === "none" ? [] : record.lines,
  };
}

/** `isBound`: what is on record, which is said below, keeps it from being moved. */
function describeForPeople(
  { ids: [id = "", ...others], size, format, storage, unfit }: QemuDisk,
  isBound: boolean,
): string {
  const also = others.length === 0 ? "" : ` (or ${others.map((other) => `'${other}'`).join(", ")})`;
  const what = storage ? `${formatBytes(size)}, ${format}, at ${storage.filename}: ` : "";
  const free = isBound ? "is not to be moved" : "can be moved";
  return `'${id}'${also}: ${what}${unfit ? `${HOW[unfit.how]}: ${unfit.why}` : free}`;
}

const NOTHING_OURS = "no migration has anything in it";

const HOW = { "left-out": "left out", refused: "refused" } as const;
