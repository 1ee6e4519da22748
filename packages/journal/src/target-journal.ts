import type { Run } from "./join-runs.ts";

/** What is said of a migration when it begins, for people and for `blkmig status`. */
export interface AboutTarget {
  readonly from?: string;
  readonly clone?: boolean;
}

/**
 * One migration's records of all its targets. Every method settles when the change is durable; called at once, they act in
 * order. Throws `JournalError`, and `TypeError` where the laws of the commit forbid it.
 */
export interface TargetJournal {
  /**
   * INCOMPLETE on all disks, before the first byte is written. What the same migration has recorded as held, and its attempt,
   * stay; a first block that another one withheld is gone. Not while the same migration is sealed or committed.
   */
  begin(migration: string, about?: AboutTarget): Promise<void>;
  /** What has been flushed, for each disk, in order. After the flush that it speaks of. */
  held(disks: readonly Iterable<Run>[]): Promise<void>;
  /**
   * Attempts count from 1 and grow. `sealed` k once, unless k was aborted; `committed` k only when sealed k; nothing after
   * committed. The same again is no error.
   */
  decide(state: "sealed" | "committed" | "aborted", attempt: number): Promise<void>;
  /** The source knows: every disk's own record says committed, none points to another. The same again is no error. */
  done(): Promise<void>;
  /** Takes `begin()` back, for targets that were never written: what was recorded before it is there again, usually nothing. */
  forget(): Promise<void>;
}
