import type { SessionTargets } from "@blkmig/sink";

import type { Scenario } from "./scenario.ts";

/** Bytes that were sent at once. */
export interface Piece {
  /** How many bytes of the other direction their sender had read before. */
  readonly after: number;
  readonly bytes: Uint8Array;
}

export type Found = NonNullable<SessionTargets["found"]>;

/** Both directions of one connection. */
export interface RecordedConnection {
  readonly source: readonly Piece[];
  readonly sink: readonly Piece[];
  /** How many bytes of the other direction each had read in the end: where the wire broke, the rest was lost. */
  readonly readBySource: number;
  readonly readBySink: number;
  readonly isCut: boolean;
  /** Of what the sink has decided in all, how much when the connection ended. */
  readonly decided: number;
  /** Which run of the receiving program it was, counted from 0. */
  readonly sinkRun: number;
}

/** A session as a released version spoke it, and what came of it. */
export interface Transcript {
  readonly scenario: Scenario;
  readonly migration: string;
  readonly connections: readonly RecordedConnection[];
  /** What each run of the receiving program found on record of the migration. */
  readonly found: readonly (Found | null)[];
  /** Of the sink's journal: "sealed 1", "committed 1", "aborted 1". */
  readonly decided: readonly string[];
  /** "completed", or the error's code. */
  readonly source: string;
  readonly sink: string;
  /** SHA-256 of each disk as the guest left it. */
  readonly contents: readonly string[];
}
