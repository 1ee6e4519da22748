import type { BlockDevice, Guest, Tracker } from "@blkmig/device";
import type { Segments } from "@blkmig/protocol";

import type { Clock } from "./clock.ts";
import type { ConvergenceRule } from "./convergence.ts";
import type { SessionOptions } from "./session-options.ts";
import type { MigrationEvent, Statistics } from "./statistics.ts";
import type { WireFormat } from "./wire-format.ts";

/** A disk to move, under the name it has on the wire. */
export interface SourceDisk {
  readonly name: string;
  readonly device: BlockDevice;
}

/** The wire as two plain shapes; a `Connection` of `@blkmig/transport` is one. */
export interface SourceWire {
  /** Borrows until it settles; settling is back-pressure. */
  send(data: Segments): Promise<void>;
  /** No more will be sent. */
  finish(): Promise<void>;
  /** What the sink answers; leave it out where it cannot (a file), and the result says `proved: false`. */
  read?(into: Uint8Array): Promise<number>;
  /** Lets go at once: what is being sent and read throws. */
  destroy(reason?: Error): void;
}

/** How much memory reads may use: two separate limits. */
export interface SourceLimits {
  /** Reads in flight. Default 3: Node.js has four threads for files, and a guest of this process needs one, too. */
  readonly reads?: number;
  /** Bytes read and not yet taken by the wire. Default 16 MiB, at least one block. */
  readonly bufferedBytes?: number;
}

/** By which wire. */
export type MigrationWire =
  | {
      /** Open, for one migration in a classic format. */
      readonly wire: SourceWire;
      /** Default: `classicFormat()`: generation 1.1 with zero blocks. */
      readonly format?: WireFormat;
      readonly session?: undefined;
    }
  | {
      /** A session with a receiver of our own. */
      readonly session: SessionOptions;
      readonly wire?: undefined;
      readonly format?: undefined;
    };

/** What moves, by which wire, and what the guest may feel of it. */
export type MigrationOptions = MigrationWire & {
  /** May be empty: that is a valid migration of nothing. Disks that are read-only or empty are left out with a warning. */
  readonly disks: readonly SourceDisk[];
  /** Says what the guest writes, disk for disk as in `disks`. Without it the disks must not change. */
  readonly tracker?: Tracker;
  readonly guest?: Guest;
  /** Bytes of our stream per second. Default none. */
  readonly maxBandwidth?: number;
  /** Milliseconds. Default 300. */
  readonly downtimeLimit?: number;
  /**
   * What becomes of a session's pause that takes longer than the downtime limit, before commit is asked for. `resume`: the guest
   * goes on, for more passes, three times at most. `finish`: nothing, and a warning says so once: for a guest whose memory is on its
   * way too, which cannot go back. Default `resume`.
   */
  readonly overrun?: "resume" | "finish";
  readonly limits?: SourceLimits;
  /** Send only what is allocated above a shared base. Default false. */
  readonly incremental?: boolean;
  /** Send read-only disks too: their opener chose to read only. Default false: left out with a warning. */
  readonly includeReadOnly?: boolean;
  /**
   * When to switch over. Default `convergesByPending`, and up to three passes more where each leaves at most half of what would have to
   * be sent in the pause, unless the downtime limit is above a second.
   */
  readonly convergence?: ConvergenceRule;
  /** When passes stop paying, hold the guest's writes to a rate, step by step. Default false. */
  readonly throttle?: boolean;
  /** When that is not enough (or not allowed), write the guest's writes to both ends before they are answered. Sessions only; default false. */
  readonly mirror?: boolean;
  /** Asked when all has been sent and the guest is paused, before the last frames. Throwing ends the migration as `changed`. */
  readonly confirm?: () => Promise<void>;
  /** Cancels, until the point of no return. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly onEvent?: (event: MigrationEvent) => void;
};

/** How a migration ended that ended well. */
export interface MigrationResult {
  /** Whether the sink said that all is there, durably. False where the wire cannot answer. */
  readonly proved: boolean;
  readonly statistics: Statistics;
  /** Of a session: which migration it was, and where its disks are served now, if they are. */
  readonly session?: { readonly migration: string; readonly serve?: string };
}
