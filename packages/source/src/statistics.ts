import type { MigrationPhase } from "./migration-error.ts";

/** The words of QEMU's `query-migrate`. `in-doubt` is ours: commit was asked for and no answer came. */
export type MigrationStatus =
  | "none"
  | "setup"
  | "active"
  | "device"
  | "completed"
  | "failed"
  | "cancelled"
  | "in-doubt";

/** What is known of one disk. Bytes of disk, resends included. */
export interface DiskStatistics {
  readonly name: string;
  readonly size: number;
  /** Still to be sent, the part of the bulk phase that was not reached included. */
  readonly remaining: number;
  /** Sent as data, and as zeroes. */
  readonly dataBytes: number;
  readonly zeroBytes: number;
  /** Left out: unallocated above a shared base (`incremental`). */
  readonly skippedBytes: number;
  /** Not sent, since the sink was found to have the same: a session's resume, and what was verified. */
  readonly equalBytes: number;
}

/** What is done to a guest that writes faster than its writes are sent. */
export interface Influenced {
  /** Bytes per second that its writes are held to. */
  readonly throttle: number | undefined;
  /** Whether its writes are written to both ends before they are answered. */
  readonly mirroring: boolean;
}

/** A step that was taken because passes did not pay. */
export type Converging = { readonly step: "throttle"; readonly bytesPerSecond: number } | { readonly step: "mirror" };

/** What is known of a migration, at any time and after its end. Times are milliseconds. */
export interface Statistics extends Influenced {
  readonly status: MigrationStatus;
  readonly phase: MigrationPhase;
  /** Bytes of our stream on the wire, headers and resends included. */
  readonly transferred: number;
  /** Of these, bytes that the receiver has said it took; undefined where the wire cannot say. */
  readonly acknowledged: number | undefined;
  /** Bytes of disk still to be sent or in flight, the bulk remainder included. 0 after completion. */
  readonly remaining: number;
  /** Bytes of disk that are at the sink and wait only to be read back (a session's `verify`). */
  readonly toVerify: number;
  /** Bytes of disk, all disks together. */
  readonly total: number;
  /** How often the tracker was asked at the begin of a pass. */
  readonly dirtySyncCount: number;
  /** Bytes of disk that the guest dirties in a second. */
  readonly dirtyRate: number;
  /** Bytes of disk, zeroes not counted, that were settled in a second of work. */
  readonly bandwidth: number;
  /**
   * How long the guest would be paused if it were now: what remains and what is to verify ÷ bandwidth; undefined while
   * nothing was measured.
   */
  readonly expectedDowntime: number | undefined;
  /** From the guest's pause to the sink's answer; undefined before. */
  readonly downtime: number | undefined;
  /** How often a session found another connection. */
  readonly reconnects: number;
  /** Bytes of disk that the sink has read back and found equal since they were sent last. */
  readonly verified: number;
  readonly setupTime: number;
  readonly totalTime: number;
  readonly disks: readonly DiskStatistics[];
}

/** What happened, told while it happens. A listener must not throw and is not awaited. */
export type MigrationEvent =
  | { readonly type: "status"; readonly statistics: Statistics }
  | { readonly type: "pass"; readonly pass: number; readonly statistics: Statistics }
  /** A session's connection broke: it is tried again after `waitMs`; undefined: there is another one. */
  | {
      readonly type: "reconnect";
      readonly why: string;
      readonly waitMs: number | undefined;
      readonly reconnects: number;
    }
  | ({ readonly type: "converge"; readonly statistics: Statistics } & Converging)
  | { readonly type: "warning"; readonly message: string };
