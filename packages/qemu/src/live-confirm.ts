import * as v from "valibot";

import type { ChosenQemuDisk, QemuDisk } from "./disks-contract.ts";
import { ask } from "./live-ask.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

const DRIVES = v.array(
  v.looseObject({
    device: v.string(),
    qdev: v.optional(v.string()),
    inserted: v.optional(
      v.looseObject({ "node-name": v.optional(v.string()), image: v.looseObject({ "virtual-size": v.number() }) }),
    ),
  }),
);

type Drive = v.InferOutput<typeof DRIVES>[number];

/**
 * Throws `QemuError` `changed` unless the machine still has these disks with these root nodes and sizes. A snapshot that is taken
 * meanwhile moves the root: our bitmaps stay behind, where nothing is written any more, and say that all is clean.
 */
export async function assertSameDisks(qmp: Qmp, disks: readonly ChosenQemuDisk[]): Promise<void> {
  const drives = await ask(qmp, "query-block", DRIVES);
  for (const { name, disk } of disks) {
    const difference = differenceOf(disk, drives.find((drive) => isOf(drive, disk))?.inserted);
    if (difference !== undefined) throw new QemuError("changed", qmp.url, `disk '${name}' ${difference}`);
  }
}

function isOf({ device, qdev }: Drive, disk: QemuDisk): boolean {
  return disk.qdev === undefined ? device !== "" && disk.ids.includes(device) : qdev === disk.qdev;
}

function differenceOf(disk: QemuDisk, inserted: Drive["inserted"]): string | undefined {
  if (!inserted) return "is not there any more";
  const { "node-name": node, image } = inserted;
  if (node !== disk.node) return `has another root now: '${node}', and was '${disk.node}'`;
  const size = image["virtual-size"];
  return size === disk.size ? undefined : `has ${size} bytes now, and had ${disk.size}`;
}
