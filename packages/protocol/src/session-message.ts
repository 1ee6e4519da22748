/** A disk in HELLO's table. */
export interface SessionDisk {
  readonly name: string;
  /** Bytes, a multiple of 512, not 0. */
  readonly size: number;
  /** Bytes: the grain of dirty tracking and of coverage, a power of two from 4 KiB to 1 MiB. */
  readonly granularity: number;
  /** Bytes: the sector that the disk counts in, a power of two from 512; absent where it has none of its own. */
  readonly sectorSize?: number;
}

/**
 * Where a migration's commit stands at the sink: nothing sealed, or what was decided of attempt k. `unknown` is said of an
 * attempt by a sink that has no record of the migration from before this connection: it is never a no.
 */
export type CommitState = "open" | "sealed" | "committed" | "aborted" | "unknown";

/**
 * A message of a session: JSON, with unknown keys ignored. Ids are 1 to 64 letters, digits and dashes. `attempt` counts
 * the switchovers of a migration from 1; 0 where there was none.
 */
export type SessionMessage =
  // the source says
  | {
      readonly say: "hello";
      /** The lowest and the highest version that it speaks. */
      readonly versions: readonly [lowest: number, highest: number];
      /** What it can beyond the version. Unknown ones are ignored. */
      readonly features: readonly string[];
      readonly migration: string;
      /** Which run of the sending program this is: one that was restarted is another. */
      readonly source: string;
      readonly disks: readonly SessionDisk[];
      /** The longest data frame that it would like to send. */
      readonly frameBytes: number;
      /** Whether it takes up a migration that was begun by another run of the program. */
      readonly resume: boolean;
      /** Whether what is allocated in a shared base is left out on purpose. */
      readonly incremental: boolean;
      /** Whether the source stays a disk of its own. */
      readonly clone: boolean;
    }
  /** A HELLO whose versions are without ours: nothing else of it was looked at. Decoded only, to be refused. */
  | { readonly say: "hello-other"; readonly versions: readonly [lowest: number, highest: number] }
  | { readonly say: "flush"; readonly serial: number }
  | { readonly say: "prepare"; readonly attempt: number }
  /** Nothing more will come for this attempt: `frames` data and hole frames were sent on this connection in all. */
  | { readonly say: "seal"; readonly attempt: number; readonly frames: number; readonly verified: boolean }
  | { readonly say: "commit" | "abort" | "outcome" | "done"; readonly attempt: number }
  /** The migration ends here, for good; the target stays incomplete. */
  | { readonly say: "cancel"; readonly message: string }
  // the sink says
  | {
      readonly say: "welcome";
      readonly version: number;
      readonly features: readonly string[];
      /** Which run of the receiving program this is. */
      readonly sink: string;
      /** Grows with every connection of the migration; all older ones are silenced. */
      readonly epoch: number;
      /** The longest data frame that may be sent. */
      readonly frameBytes: number;
      /** Bytes of data that may be sent and not acknowledged. */
      readonly window: number;
      readonly state: CommitState;
      readonly attempt: number;
      /** For each disk, runs that it may hold already: to be hashed before they are believed. At most 2048 in all. */
      readonly held: readonly (readonly (readonly [offset: number, length: number])[])[];
    }
  /** No: nothing was begun, and the connection ends. */
  | { readonly say: "refused"; readonly code: string; readonly message: string }
  /** Everything acknowledged before FLUSH is on stable storage; it took so many milliseconds. */
  | { readonly say: "flushed"; readonly serial: number; readonly ms: number }
  /** The sink is ready for a switchover; `serve` says where the disks will be served, if they will. */
  | { readonly say: "ready"; readonly attempt: number; readonly serve?: string }
  | { readonly say: "sealed" | "aborted"; readonly attempt: number }
  | { readonly say: "committed"; readonly attempt: number; readonly serve?: string }
  /** The answer to OUTCOME: what is recorded of that attempt. */
  | { readonly say: "state"; readonly attempt: number; readonly state: CommitState }
  /** The sink cannot go on, and the connection ends. */
  | { readonly say: "failed"; readonly code: string; readonly message: string };
