import type { Flights } from "./flights.ts";
import type { SourceDisk } from "./migration-options.ts";
import type { Outlet } from "./outlet.ts";
import type { MigrationSource } from "./source-contract.ts";
import type { Stop } from "./stop.ts";

/** What is said around the frames: how a wire is opened and how it commits. A strategy, as the outlet is. */
export interface Conversation {
  /** Before anything is sent; gives where frames leave, or that an earlier run of the program has committed already. */
  open(disks: readonly SourceDisk[], flights: Flights): Promise<Outlet | "committed">;
  /** The source is set up. */
  begin(source: MigrationSource): Promise<void>;
  /** Bytes that must be read back before the commit, besides those that are pending. */
  toVerify(pending: number): number;
  /** Milliseconds of a pause that go to anything but sending what is pending. */
  readonly overhead: number;
  /** What is left has become little: more that must be done while the guest runs; gives whether it begins now. */
  claimMore(): boolean;
  /** The guest still runs, and will be paused next. */
  prepare(): Promise<void>;
  /** The guest is paused: sends the rest, and commits. Gives whether the sink has proved it. */
  commit(): Promise<boolean>;
  /**
   * Something broke, and the guest runs again: settles when the migration can go on. Throws what ends it: the same error,
   * unless another one explains it.
   */
  mend(error: unknown): Promise<void>;
  /** What a failure means, before commit was asked for. */
  explain(stop: Stop): Promise<Stop>;
  /** The migration ends from outside: what waits for the peer must wait no longer. */
  interrupt(reason: Stop): void;
  /** Lets go of the wire; of a migration that failed, the peer is told where it can be. */
  leave(why: Error): Promise<void>;
}
