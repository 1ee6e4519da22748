import type { BlockDevice, Clock, Guest, Tracker } from "@blkmig/device";

import type { ChosenQemuDisk } from "./disks-contract.ts";
import type { Qmp } from "./qmp-contract.ts";

/** Which disks of a running QEMU are opened, and by which names it will know them. */
export interface OpenLiveDisksOptions {
  /** Borrowed: not closed. */
  readonly qmp: Qmp;
  /** At least one. */
  readonly disks: readonly ChosenQemuDisk[];
  /** Goes into every name that is given to QEMU, so that leftovers are found: 1 to 64 letters, digits and dashes. */
  readonly migration: string;
  /** Bytes: a power of two, 512 to 1 MiB. Default 64 KiB. */
  readonly granularity?: number;
  /** A path at which QEMU and this process both reach a unix socket that QEMU makes there. It must not exist. */
  readonly socket: string;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly warn: (message: string) => void;
}

/**
 * What is written into QEMU itself, and lives and dies with the guest's memory: that we are why the guest stands still, that commit was
 * asked for, that its disks have moved, that a migration of the machine is ours, and how QEMU was before it was readied for that.
 */
export type Mark = "stopped" | "asked" | "moved" | "machine" | `before-${string}`;

/** Disks of a running QEMU as live devices: one unit, tracked together. */
export interface QemuLiveDisks {
  /** In the order of the options. Read-only; `extents()` tells holes, and by `allocated` what stands in the top layer. */
  readonly disks: readonly { readonly name: string; readonly device: BlockDevice }[];
  /** Bitmaps in QEMU, rotated: `sync()` is one instant for all disks, whatever writes meanwhile. Failing loses no write. */
  readonly tracker: Tracker;
  /** `stop` and `cont`. A guest that did not run before is neither stopped nor resumed; one that QEMU already goes on with is let be. */
  readonly guest: Guest;
  /** Whether `guest.pause()` has stopped a guest that ran, and nobody has resumed it. */
  readonly stopped: boolean;
  /**
   * With the guest stopped, before commit is asked for: the same root nodes of the same sizes, nothing written since the last `sync()`,
   * and nobody has resumed the guest. Throws `QemuError` `changed`.
   */
  confirm(): Promise<void>;
  /** Notes it in QEMU, or takes it back. Throws `QemuError`. */
  mark(mark: Mark): Promise<void>;
  unmark(mark: Mark): Promise<void>;
  /** Removes exports and bitmaps, and stops the NBD server; marks and the guest stay as they are. Idempotent. Throws `QemuError`. */
  release(): Promise<void>;
  /** `release()`, and takes back all marks but those named (with `machine`: how QEMU was before it, too). Whatever fails, as much as possible is removed. */
  close(keep?: readonly Mark[]): Promise<void>;
}
