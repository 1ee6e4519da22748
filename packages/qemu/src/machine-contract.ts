import type { Clock, Guest } from "@blkmig/device";

import type { QemuLiveDisks } from "./live-contract.ts";
import type { Qmp } from "./qmp-contract.ts";

/** Two monitors, the disks that move between them, and how long the guest may be stopped. */
export interface MachineMoveOptions {
  /** Both borrowed: not closed. The destination was started with `-incoming`. */
  readonly source: Qmp;
  readonly destination: Qmp;
  /** What `migrate` is told: `tcp:host:port`, `unix:/path`, `exec:…` is refused (it has no return path). */
  readonly uri: string;
  readonly live: QemuLiveDisks;
  /** Milliseconds that the guest may be stopped, for disks and memory together. */
  readonly downtimeLimit: () => number;
  readonly clock?: Clock;
  readonly warn: (message: string) => void;
}

/** Of QEMU's own migration: bytes. */
export interface RamFigures {
  readonly transferred: number;
  readonly remaining: number;
  readonly total: number;
  /** Bytes per second; undefined while QEMU does not say. */
  readonly bandwidth: number | undefined;
  /** Milliseconds that the memory alone would stop the guest, as QEMU predicts; undefined while it does not. */
  readonly expectedDowntime: number | undefined;
}

/** What is known of the disks when it is asked whether to switch over: a `ConvergenceView` of `@blkmig/source` is one. Bytes, bytes a second, milliseconds. */
export interface DisksView {
  readonly bulkDone: boolean;
  readonly pending: number;
  readonly bandwidth: number | undefined;
  readonly downtimeLimit: number;
}

/** QEMU's own migration of everything but the disks, beside a migration of the disks. */
export interface MachineMove {
  /**
   * Looks at both ends and readies them: the destination waits and will not run by itself (`stop` there while it waits), return path,
   * pause before switchover; refuses what would break it (postcopy, `dirty-bitmaps`, a migration under way). Sends nothing. Throws `QemuError`.
   */
  prepare(): Promise<void>;
  /** A convergence rule: begins the memory's migration when the disks have converged, and says yes when both would fit the downtime limit. */
  readonly converges: (view: DisksView) => boolean;
  /** `pause()` lets QEMU come to `pre-switchover`; "not-yet" if the memory does not get there soon. `resume()` cancels QEMU's migration and sees that the guest runs. */
  readonly guest: Guest;
  readonly figures: RamFigures | undefined;
  /**
   * The targets are sealed and nobody's: lets go of the disks here, and lets QEMU switch over. Settles when the destination has proved
   * to QEMU that it has everything; it does not run yet. Throws `QemuError` `migration`: the guest is still this side's.
   */
  handOver(): Promise<void>;
  /** Milliseconds from the guest's stop here until now, or until it ran there; undefined while it has not stopped. By this process's clock. */
  readonly downtime: number | undefined;
  /** After the commit: `cont` at the destination. Throws `QemuError`. */
  resumeThere(): Promise<void>;
  /** Puts QEMU's capabilities and parameters back, here, unless it has moved. */
  close(): Promise<void>;
}
