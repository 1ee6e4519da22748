import { type Crc32, FRAME_BYTES, MOST_FRAME_BYTES, type Segments } from "@blkmig/protocol";

import type { SourceWire } from "./migration-options.ts";

/**
 * What must survive this program. Every method settles when its change is on stable storage: the record's file and its
 * folder. `@blkmig/journal` has one.
 */
export interface SourceJournal {
  /** SENDING: the migration begins. */
  begin(migration: string): Promise<void>;
  /** ASKED k: commit is asked for next. Until MOVED or KEPT is recorded, nobody may run the guest here. */
  asked(attempt: number): Promise<void>;
  /** The sink has not committed, and will not: the disk is still owned here. */
  kept(): Promise<void>;
  /** No sink will take it up: the record is as it was before `begin()`. Without it, `kept()` is called. */
  forget?(): Promise<void>;
  /** The sink has committed. */
  moved(attempt: number, how: "moved" | "cloned"): Promise<void>;
}

/** One connection of a session. */
export interface SessionWire extends SourceWire {
  /** The opening was said on it already, by whoever connected. */
  readonly isOpened?: boolean;
}

/** A session with a receiver of our own, over as many connections as it takes. */
export interface SessionOptions {
  /**
   * Dials, or waits to be dialled; called again whenever a connection broke. The wire must be able to `read`. `opening` is what a
   * session says first, a view for good: who is dialled by several may say it to each of them, and give the one that answers.
   */
  readonly connect: (signal: AbortSignal, opening: Segments) => Promise<SessionWire>;
  /** Which migration it is: 1 to 64 letters, digits and dashes. Default: one of its own. */
  readonly migration?: string;
  /** Where commit is recorded. Without one a source that is killed cannot know whether its disk has moved. */
  readonly journal?: SourceJournal;
  /**
   * An earlier run of the program began this migration; `asked` is the attempt whose outcome it did not learn, if it had
   * asked for one. What the sink holds is hashed on both sides before it is believed.
   */
  readonly resume?: { readonly asked?: number; readonly attempt: number };
  /**
   * Asked when the session has begun, and again before each pause, while the guest runs: where the sink will serve the disks once
   * it has committed, if it will. Whoever passes the guest on dials there now. Throwing ends the migration as `refused`.
   */
  readonly ready?: (serve: string | undefined) => Promise<void>;
  /** Whether every extent is read back and compared by the sink before the commit. Default false. */
  readonly verify?: boolean;
  /** The source stays a disk of its own. Default false. */
  readonly clone?: boolean;
  /**
   * From SEALED on the targets are another program's: the receiver flushes, closes and unlocks them before it says so, and an abort
   * after that ends the migration. A receiver that cannot do that is `refused`. Default false.
   */
  readonly handOver?: boolean;
  /**
   * Whether data is sent with a checksum. False is a wish, for a wire that checks for itself, such as TLS: a receiver that does not
   * know it is sent them all the same. Headers, messages and hashes are checked whatever is said. Default true.
   */
  readonly checksums?: boolean;
  /**
   * The CRC-32 that data is sent with, and that what the receiver says is checked by, on every connection. It borrows what it is given
   * for the call: often a view of a larger buffer, and never with a seed. Default: `crc32` of `node:zlib`.
   */
  readonly crc32?: Crc32;
  /** Bytes: the grain of what is sent again, a power of two from 4 KiB to 1 MiB. Default 64 KiB. */
  readonly granularity?: number;
  /** The longest frame, bytes, a multiple of the granularity. Default 1 MiB. */
  readonly frameBytes?: number;
  /** How long a broken connection is tried again before the migration fails, or is in doubt. Milliseconds; default 5 minutes. */
  readonly reconnectFor?: number;
}

export const DEFAULT_GRANULARITY: number = 64 * 1024;

/** Throws `RangeError` for what a session cannot be. */
export function assertSessionOptions({
  granularity = DEFAULT_GRANULARITY,
  frameBytes = FRAME_BYTES,
  migration,
}: SessionOptions): void {
  if (!Number.isInteger(Math.log2(granularity)) || granularity < 4096 || granularity > 1024 * 1024) {
    throw new RangeError(`granularity ${granularity} is not a power of two from 4096 to 1048576`);
  }
  if (frameBytes % granularity !== 0 || frameBytes < granularity || frameBytes > MOST_FRAME_BYTES) {
    throw new RangeError(`frames of ${frameBytes} bytes: at most ${MOST_FRAME_BYTES}, in multiples of ${granularity}`);
  }
  if (migration !== undefined && !/^[A-Za-z0-9-]{1,64}$/u.test(migration)) {
    throw new RangeError(`migration '${migration}': an id is 1 to 64 letters, digits and dashes`);
  }
}
