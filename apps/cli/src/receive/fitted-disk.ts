import { type BlockDevice, withSize } from "@blkmig/device";

import { CommandError } from "../command-error.ts";
import type { OpenTarget } from "./open-targets.ts";

/** A target as large as its disk, and what to say of the rest. */
export interface FittedDisk {
  readonly device: BlockDevice;
  readonly warnings: readonly string[];
}

/** The first `size` bytes of a target. One that is too small, or cannot write the disk's end, is refused, whatever is forced. */
export function fitDisk({ name, disk }: OpenTarget, size: number): FittedDisk {
  const { path, minimumBlock } = disk;
  if (size % minimumBlock !== 0) {
    const message = `disk '${name}': ${path} is written in blocks of ${minimumBlock} bytes, and a disk of ${size} bytes is no multiple of that: choose a target with smaller blocks`;
    throw new CommandError("refused", message);
  }
  if (disk.size === size) return { device: disk, warnings: [] };
  if (disk.size < size) {
    const message = `disk '${name}': ${path} has ${disk.size} bytes, which is too small for a disk of ${size} bytes: make it larger, or choose another`;
    throw new CommandError("refused", message);
  }
  const warning = `disk '${name}': ${path} has ${disk.size} bytes, and only the first ${size} are used`;
  return { device: withSize(disk, size), warnings: [warning] };
}
