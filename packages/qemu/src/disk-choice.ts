import type { ChosenQemuDisk, QemuDisk } from "./disks-contract.ts";
import { QemuError } from "./qemu-error.ts";

/** Bytes of UTF-8: a name's length is one byte on the wire. */
const LONGEST_NAME = 255;

/** A disk that was asked for: by any of its ids, and the name it shall have on the wire, which is that id by default. */
export interface WantedQemuDisk {
  readonly id: string;
  readonly name?: string;
}

/**
 * Those that were asked for, in that order, or all that can be moved. Throws `QemuError`: `unknown-disk` (with what there is), `unfit` for
 * what must be refused, for what would be left out but was asked for by name, and for disks or names that are asked for twice.
 */
export function chooseQemuDisks(
  url: string,
  disks: readonly QemuDisk[],
  wanted?: readonly WantedQemuDisk[],
): readonly ChosenQemuDisk[] {
  const chosen = wanted ? wanted.map((one) => chooseOne(url, disks, one)) : chooseAll(disks);
  if (chosen.length === 0) throw new QemuError("unfit", url, `no disk to move: ${inventoryOf(disks)}`);
  for (const { disk, name } of chosen) assertFit(url, disk, name);
  assertDistinct(url, chosen);
  return chosen;
}

function chooseAll(disks: readonly QemuDisk[]): readonly ChosenQemuDisk[] {
  return disks.filter(({ unfit }) => unfit?.how !== "left-out").map((disk) => ({ name: nameOf(disk), disk }));
}

function chooseOne(url: string, disks: readonly QemuDisk[], { id, name = id }: WantedQemuDisk): ChosenQemuDisk {
  const meant = disks.filter(({ ids }) => ids.includes(id));
  const [disk] = meant;
  if (!disk) throw new QemuError("unknown-disk", url, `no disk is called '${id}': ${inventoryOf(disks)}`);
  if (meant.length === 1) return { name, disk };
  const others = meant.map(({ ids }) => ids.map((other) => `'${other}'`).join(" alias ")).join(", and ");
  throw new QemuError("unknown-disk", url, `'${id}' may be several disks (${others}): say one's other id`);
}

function assertFit(url: string, disk: QemuDisk, name: string): void {
  const who = `disk '${nameOf(disk)}'`;
  if (disk.unfit) throw new QemuError("unfit", url, `${who} cannot be moved: ${disk.unfit.why}`);
  const length = new TextEncoder().encode(name).length;
  if (length >= 1 && length <= LONGEST_NAME) return;
  const limits = `a disk's name has 1 to ${LONGEST_NAME} bytes`;
  throw new QemuError("unfit", url, `${who} cannot be called '${name}': ${limits}, and this one has ${length}`);
}

function assertDistinct(url: string, chosen: readonly ChosenQemuDisk[]): void {
  const names = new Map<string, QemuDisk>();
  const nodes = new Map<string | undefined, QemuDisk>();
  for (const { name, disk } of chosen) {
    const [same, alias] = [nodes.get(disk.node), names.get(name)];
    if (same === disk) throw new QemuError("unfit", url, `disk '${nameOf(disk)}' is asked for twice`);
    if (same)
      throw new QemuError("unfit", url, `'${nameOf(same)}' and '${nameOf(disk)}' are one disk: choose one of them`);
    if (alias) {
      const both = `'${nameOf(alias)}' and '${nameOf(disk)}'`;
      throw new QemuError("unfit", url, `${both} cannot both be called '${name}': give one another name`);
    }
    names.set(name, disk);
    nodes.set(disk.node, disk);
  }
}

function inventoryOf(disks: readonly QemuDisk[]): string {
  if (disks.length === 0) return "the machine has none";
  const entries = disks.map((disk) => (disk.unfit ? `${nameOf(disk)} (${disk.unfit.why})` : nameOf(disk)));
  return `the machine has ${entries.join(", ")}`;
}

function nameOf({ ids }: QemuDisk): string {
  return ids[0] ?? "";
}
