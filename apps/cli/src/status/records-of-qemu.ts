import type { RecoverQemuOptions } from "../qmp/recover-qemu.ts";
import type { SeenQemu } from "./look-at-qemu.ts";

/** All that is on record of a QEMU's disks: a record that cannot be read says nothing. */
export function recordsOf({ disks }: Pick<SeenQemu, "disks">): RecoverQemuOptions["records"] {
  return disks.map(({ recorded }) => {
    const record = recorded?.record;
    return record === undefined || record === "none" || "why" in record ? undefined : record;
  });
}
