import { findBitmaps } from "./bitmap-ours.ts";
import type { ExportedDisk } from "./export-open.ts";
import { formatName } from "./names.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** A bitmap of what was written. */
interface WritesBitmap {
  readonly node: string;
  /** As QEMU calls it. */
  readonly text: string;
  readonly pass: number;
  /** Bytes that it has marked; exact for a retired one. */
  readonly count: number;
}

/** Those of one disk. */
export interface DiskWrites {
  readonly recording: readonly WritesBitmap[];
  /** Disabled: nothing comes to them any more, and what they have was not said yet. */
  readonly retired: readonly WritesBitmap[];
}

interface Tracked {
  readonly migration: string;
  readonly disks: readonly ExportedDisk[];
}

/** Throws `QemuError`; `changed` if a disk has none that records. */
export async function findWrites(qmp: Qmp, { migration, disks }: Tracked): Promise<readonly DiskWrites[]> {
  const found = await findBitmaps(qmp, migration);
  return disks.map(({ node, name: disk }) => {
    const own = found.flatMap(({ name, ...bitmap }) =>
      name.is === "writes" && bitmap.node === node ? [{ ...bitmap, pass: name.pass }] : [],
    );
    const [recording, retired] = [own.filter((each) => each.recording), own.filter((each) => !each.recording)];
    if (recording.length > 0) return { recording, retired };
    throw new QemuError("changed", qmp.url, `disk '${disk}' has lost its dirty bitmap: what was written is not known`);
  });
}

/** For one `transaction`: every write before it is in what was there, every one after it in what is new, on all disks. */
export function rotation(
  { migration, disks }: Tracked,
  { pass, granularity }: { readonly pass: number; readonly granularity: number },
  seen: readonly DiskWrites[],
): readonly object[] {
  const name = formatName(migration, { is: "writes", pass });
  const add = disks.map(({ node }) => ({ type: "block-dirty-bitmap-add", data: { node, name, granularity } }));
  const disable = seen
    .flatMap(({ recording }) => recording)
    .map(({ node, text }) => ({ type: "block-dirty-bitmap-disable", data: { node, name: text } }));
  // New ones first: QEMU goes through the list, and what is written between a disabling and an adding would be in neither.
  return [...add, ...disable];
}
