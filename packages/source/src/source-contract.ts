import type { Run, Tracker } from "@blkmig/device";
import type { Segments } from "@blkmig/protocol";

import type { Clock } from "./clock.ts";
import type { DiskWork } from "./disk-work.ts";
import type { SourceDisk } from "./migration-options.ts";
import type { WireFormat } from "./wire-format.ts";

/** What a source needs, and the wire that its frames leave by. */
export interface SourceOptions extends SourceParts {
  readonly format: WireFormat;
  readonly wire: { send(data: Segments): Promise<void> };
}

/** What a source needs whatever its frames leave by. */
export interface SourceParts {
  /** Names differ and fit the format; sizes are whole sectors, not 0. */
  readonly disks: readonly SourceDisk[];
  readonly tracker?: Tracker | undefined;
  /** For each disk, which of the tracker's sets is its own. Default: the same order. */
  readonly trackedAs?: readonly number[];
  readonly incremental?: boolean | undefined;
  /** Reads in flight, and bytes read or being read: two limits. */
  readonly reads: number;
  readonly bufferedBytes: number;
  readonly clock: Clock;
}

/** What a turn of `iterate()` has done. */
export interface Turn {
  readonly passEnded: boolean;
  /** Bytes of stream begun, every read counted as data until it turned out to be zero: less than nothing, where earlier ones did. */
  readonly submitted: number;
  /** Bytes of these that were only compared: nothing but their hashes goes over the wire. */
  readonly compared: number;
}

/**
 * Disk to frames, in five verbs. It holds what is to be sent and what is in flight; it pauses no guest and does not
 * choose when to complete.
 */
export interface Source {
  /** Begins tracking and opens the stream. If it fails, nothing is tracked. */
  setup(): Promise<void>;
  /**
   * Asks the tracker, and gives the bytes to send or in flight: all, also what the bulk phase has not reached. Nothing else asks while
   * the guest runs, so it is called before each `iterate()`, and again before its figures are judged.
   */
  pending(): Promise<number>;
  /**
   * Sends about `budget` bytes of stream, or to the end of this pass, of what `pending()` has found. What is in flight then stays in
   * flight.
   */
  iterate(budget: number): Promise<Turn>;
  /**
   * With the guest paused: asks the tracker, and sends all that is left. `beforeLast` is awaited when everything has left, right before the
   * last frames: from then on a failure leaves open whether the sink has committed.
   */
  complete(beforeLast: () => Promise<void>): Promise<void>;
  /** Waits for what is in flight and drops tracking. The wire must have been let go, or have taken all. */
  cleanup(): Promise<void>;
  /** The receiver has answered a ping of the format's. */
  acknowledge(ping: number): void;
  /** Ends every waiting verb with this reason. */
  fail(reason: Error): void;
  /** Whether every disk has been swept once. */
  readonly bulkDone: boolean;
  readonly figures: SourceFigures;
}

/** What a migration does with a source of its own, beyond the five verbs. */
export interface MigrationSource extends Source {
  /** With the guest paused: asks the tracker, sends all that is left, and waits until it has landed. */
  rest(): Promise<void>;
  /** Waits until nothing is in flight, and forgets why the verbs failed: what was in flight is to be sent again. */
  mend(): Promise<void>;
  /** Nothing that the sink has is believed any more: all is to be sent, what is `held` unless its hash is found equal. */
  doubt(held: readonly (readonly Run[])[]): void;
  /** Claims all that was sent and not verified, so that the next turns prove it; gives its bytes. */
  claimUnverified(): number;
  readonly works: readonly DiskWork[];
}

/** What a source knows of itself, at any time. Bytes and bytes per second. */
export interface SourceFigures {
  readonly transferred: number;
  /** Bytes of stream that the receiver has said it took; undefined where it cannot say. */
  readonly acknowledged: number | undefined;
  /** To send or in flight as of the last question to the tracker, and the part that is not in flight. */
  readonly remaining: number;
  /** Of these, what was sent and waits only to be read back. */
  readonly toVerify: number;
  readonly dirty: number;
  readonly dirtySyncCount: number;
  readonly dirtyRate: number;
  readonly bandwidth: number | undefined;
  readonly readBandwidth: number | undefined;
  /** Bytes of disk that the sink has read back and found equal since they were sent. */
  readonly verified: number;
  /** Bytes of disk that were asked about by hash and were not the same. */
  readonly differed: number;
  /** Each disk's, for the loop around it. @internal */
  readonly work: readonly DiskWork[];
}
