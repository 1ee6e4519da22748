import type { Clock } from "@blkmig/device";
import { type NbdDevice, NbdError, openNbd, type OpenNbdOptions } from "@blkmig/nbd";

import type { ChosenQemuDisk } from "./disks-contract.ts";
import { formatName, type OurName } from "./names.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** QEMU's server does not come back by itself: whoever waits for it only waits. Milliseconds. */
const RECONNECT_MS = 500;

/** QEMU 10.0 can spin in a drain for as long as a client of its NBD server is connected: only hanging up frees it. Milliseconds. */
const ANSWER_MS = 30_000;

export interface ExportOptions {
  readonly qmp: Qmp;
  readonly migration: string;
  /** Where QEMU's NBD server listens. */
  readonly socket: string;
  readonly clock?: Clock | undefined;
}

/** What of a disk is exported. */
export interface ExportedDisk {
  readonly node: string;
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Has QEMU export a disk, read-only. `what`: options of `block-export-add` besides. */
export async function addExport(
  { qmp, migration }: ExportOptions,
  { node }: ExportedDisk,
  name: OurName,
  what: Readonly<Record<string, unknown>>,
): Promise<void> {
  const id = formatName(migration, name);
  await qmp.execute("block-export-add", { type: "nbd", id, name: id, "node-name": node, ...what });
}

/** Opens it. Throws `QemuError`: `changed` if it has another size than the disk had, `not-supported` if its server cannot be reached. */
export async function openExport(
  { qmp, migration, socket, clock }: ExportOptions,
  { name: disk, size }: ExportedDisk,
  name: OurName,
  how: Pick<OpenNbdOptions, "dirtyBitmap" | "signal">,
): Promise<NbdDevice> {
  const url = { at: { kind: "unix", path: socket }, exportName: formatName(migration, name), secure: false } as const;
  // One connection: more of them would still be negotiated when the next command comes, and QEMU 10.0 can spin for ever in a drain
  // (`stop`, an export that is added) in the midst of which a client joins.
  const patience = { reconnectFor: RECONNECT_MS, answerWithin: ANSWER_MS };
  const common = { name: disk, readOnly: true, connections: 1, ...patience, ...(clock && { clock }) };
  const device = await openNbd(url, { ...common, ...how }).catch((error: unknown) => {
    how.signal?.throwIfAborted();
    if (!(error instanceof NbdError)) throw error;
    const what = `disk '${disk}' cannot be opened at QEMU's NBD server: ${error.message}`;
    throw new QemuError("not-supported", qmp.url, what, { cause: error });
  });
  if (device.size === size) return device;
  await device.close();
  throw new QemuError("changed", qmp.url, `disk '${disk}' has ${device.size} bytes now, and had ${size}`);
}

/** Of a disk that was chosen; only one that has a root node can be. */
export function exportedOf({ name, disk }: ChosenQemuDisk): ExportedDisk {
  if (disk.node === undefined) throw new TypeError(`disk '${name}' is an empty drive`);
  return { node: disk.node, name, size: disk.size };
}
