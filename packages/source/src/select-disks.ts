import type { MigrationOptions, SourceDisk } from "./migration-options.ts";
import { Stop } from "./stop.ts";

const SECTOR = 512;

/** The disks that take part, each with its place in the tracker. */
export interface Selection {
  readonly disks: readonly SourceDisk[];
  readonly trackedAs: readonly number[];
  /** One sentence for each disk that was left out. */
  readonly warnings: readonly string[];
}

/** Refuses what cannot be sent, and leaves out what need not be. */
export function selectDisks({ disks, includeReadOnly }: MigrationOptions): Selection {
  const names = new Set<string>();
  const chosen: SourceDisk[] = [];
  const trackedAs: number[] = [];
  const warnings: string[] = [];
  for (const [index, disk] of disks.entries()) {
    const { name, device } = disk;
    if (names.has(name)) throw new Stop("device", `two disks are called '${name}'`);
    names.add(name);
    if (device.size === 0) {
      warnings.push(`disk '${name}' is empty and is left out`);
    } else if (device.readOnly && !includeReadOnly) {
      warnings.push(`disk '${name}' is read-only and is left out`);
    } else if (device.size % SECTOR !== 0) {
      throw new Stop("device", `disk '${name}': its size of ${device.size} bytes is no multiple of ${SECTOR}`);
    } else {
      chosen.push(disk);
      trackedAs.push(index);
    }
  }
  return { disks: chosen, trackedAs, warnings };
}
