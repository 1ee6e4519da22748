import type { BlockDevice, Clock } from "@blkmig/device/memory";
import type { CommitState, Crc32, SessionDisk } from "@blkmig/protocol";

import type { LoadError } from "./load-error.ts";
import type { LoadProgress, SinkLimits, SinkWire } from "./load-options.ts";

/** A run of bytes of one disk. */
export interface HeldRun {
  readonly offset: number;
  readonly length: number;
}

/** What a source offers, before anything of ours is opened for it. */
export interface SessionOffer {
  readonly migration: string;
  readonly disks: readonly SessionDisk[];
  /** It takes up a migration that another run of the sending program began. */
  readonly resume: boolean;
  readonly incremental: boolean;
  /** The source stays a disk of its own. */
  readonly clone: boolean;
  /** Somebody else takes the targets, between SEALED and the commit: the QEMU that a whole machine moves to. */
  readonly handOver: boolean;
}

/**
 * What must survive this program. Every method settles when its change is on stable storage: the record's file and its
 * folder. `@blkmig/journal` has one.
 */
export interface SinkJournal {
  /** INCOMPLETE, for all targets: before the first byte of any is written. */
  begin(migration: string, about?: { readonly clone?: boolean }): Promise<void>;
  /** What has been flushed, for each disk: hints for a resume. After the flush that it speaks of. */
  held(disks: readonly Iterable<HeldRun>[]): Promise<void>;
  /** One record for all disks. `committed` is the decision: from then on the targets own the disks. */
  decide(state: "sealed" | "committed" | "aborted", attempt: number): Promise<void>;
  /** The source knows that it is committed. */
  done(): Promise<void>;
}

/** Targets opened for an offer. The session lets go of them by `close`, once. */
export interface SessionTargets {
  /** In the offer's order, each exactly as large as its disk. */
  readonly devices: readonly BlockDevice[];
  readonly journal: SinkJournal;
  /** What an earlier run of this program recorded of this migration; undefined if this is its first run. */
  readonly found?: {
    readonly state: CommitState;
    readonly attempt: number;
    readonly held: readonly (readonly HeldRun[])[];
  };
  /** Before SEALED is recorded: what is withheld is made durable elsewhere. */
  readonly keepWithheld?: () => Promise<void>;
  /** Before COMMITTED is recorded, or before SEALED of what is handed over: what was withheld goes on its disk, durably. */
  readonly releaseWithheld?: () => Promise<void>;
  /**
   * Closes and unlocks them, after SEALED is recorded and before it is said; nothing is read or written after it, only recorded.
   * Where it is missing a source that offers to hand over is told no, and ends by itself.
   */
  readonly handOver?: () => Promise<void>;
  /** Also after `handOver()`: what is closed then stays as it is. */
  close(written: "touched" | "untouched"): Promise<void>;
}

/** What a session asks of whoever has the disks. */
export interface SinkSessionOptions {
  /**
   * Opens the targets of an offer, once. What it throws is told to the source (`refused`), and is the session's end; a
   * `LoadError` keeps its code.
   */
  open(offer: SessionOffer): Promise<SessionTargets>;
  /** Where the disks will be served once they are committed, asked at each PREPARE. Throwing refuses the switchover. */
  readonly ready?: () => Promise<{ readonly serve?: string }>;
  readonly limits?: SinkLimits;
  /**
   * The CRC-32 that the payload of every frame is checked by, on every connection. It borrows what it is given for the call: often a
   * view of a larger buffer, and never with a seed. Default: `crc32` of `node:zlib`, or of
   * `@blkmig/protocol` in a browser.
   */
  readonly crc32?: Crc32;
  readonly clock?: Clock;
  /** Cancels, until COMMITTED is recorded. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: SinkSessionEvent) => void;
}

/** How one connection of a session ended. */
export type ConnectionEnd =
  | { readonly how: "over" } // with the migration, well or not: `ended` says how
  | { readonly how: "cut"; readonly why: string } // the migration waits for another connection
  | { readonly how: "turned-away"; readonly code: string; readonly why: string }; // it was none of this migration's

/** One migration at its sink, over as many connections as it takes. */
export interface SinkSession {
  /** Once one was offered. */
  readonly migration: string | undefined;
  readonly state: CommitState;
  /**
   * Speaks with one peer, from its first byte on (the magic), until that connection ends; never throws. A newer connection
   * of the same migration silences the older one: its writes settle before the newer one is welcomed. Does not close the wire.
   */
  take(wire: SinkWire & { destroy?(reason?: Error): void }): Promise<ConnectionEnd>;
  /** Settles when it is committed and its source knows, or when `giveUp()` finds it committed; rejects with `LoadError`. */
  readonly ended: Promise<SinkSessionResult>;
  /** No other connection will come: `incomplete`, or in doubt if it is sealed; fine if it is committed. */
  giveUp(why: string): Promise<void>;
  /** What has come so far, for a person. */
  progress(): SinkSessionProgress;
}

/** As `LoadProgress`; and what needed not to be sent. */
export interface SinkSessionProgress extends LoadProgress {
  readonly disks: readonly (LoadProgress["disks"][number] & {
    /** Bytes that were found equal by their hashes and not sent. */
    readonly equalBytes: number;
  })[];
}

/** How a session ended that has committed. */
export interface SinkSessionResult extends SinkSessionProgress {
  readonly migration: string;
  readonly attempt: number;
  /** Whether every byte was read back and found equal before the commit. */
  readonly verified: boolean;
  /** Whether data came with checksums on every connection of this run: false where the source wished for none. */
  readonly checksums: boolean;
  /** Whether the source has said that it knows. */
  readonly told: boolean;
}

/** What happens to a session at its sink, in the order in which it happens. */
export type SinkSessionEvent =
  | { readonly type: "offered"; readonly offer: SessionOffer }
  | { readonly type: "connected"; readonly epoch: number }
  | { readonly type: "cut"; readonly why: string }
  | { readonly type: "progress"; readonly progress: SinkSessionProgress } // at most ten a second
  | { readonly type: "sealed" | "committed" | "aborted"; readonly attempt: number }
  | { readonly type: "failed"; readonly error: LoadError };
