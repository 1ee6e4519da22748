import type { Clock } from "@blkmig/device";

import type { Mark } from "./live-contract.ts";

/** What one migration of ours has left in a QEMU, or has there while it is under way. */
export interface Leftover {
  readonly migration: string;
  readonly marks: readonly Mark[];
  /** The ids of its exports, and its dirty bitmaps with their nodes. */
  readonly exports: readonly string[];
  readonly bitmaps: readonly { readonly node: string; readonly name: string }[];
  /** Whether it started the NBD server that runs. */
  readonly server: boolean;
  /** The process that made it, if that lives on this host: then it is under way, and no leftover. */
  readonly owner: number | undefined;
}

/** What is known of the run whose leftovers are removed. */
export interface CleanOptions {
  /**
   * What became of a commit that was asked for. `kept`: the disks are here, and the guest may run; `moved`: they are not, whatever is said
   * later. Without it such a guest stays as it is, and so do the marks.
   */
  readonly outcome?: "kept" | "moved";
  /** Another run goes on with this very migration: the guest and the marks stay as they are, and all else is removed. */
  readonly takeOver?: boolean;
  readonly clock?: Clock;
}

/** What `cleanLeftover()` did with the guest. */
export type GuestAfterClean =
  | "running" // it runs, or was resumed
  | "stopped-by-others" // we had not stopped it, so it stays so
  | "left-stopped"; // its disks have moved, or that is in doubt
